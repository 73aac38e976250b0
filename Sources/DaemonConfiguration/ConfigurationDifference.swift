import DatasetModel
import StreamRegistry

/// What a reload changes: which streams and datasets come, change and go, which settings are taken up at once, and
/// which wait for a restart.
public struct ConfigurationDifference: Sendable, Hashable {
  /// Names that come, change and go, each in the order of the file they stand in.
  public struct Changes<Name: Hashable & Sendable>: Sendable, Hashable {
    public var added: [Name] = []
    public var changed: [Name] = []
    public var removed: [Name] = []

    /// Whether nothing does.
    public var isEmpty: Bool { added.isEmpty && changed.isEmpty && removed.isEmpty }
  }

  public var streams = Changes<StreamName>()
  /// Datasets whose own keys changed; see `affectedDatasets` for those whose streams did.
  public var datasets = Changes<DatasetName>()
  /// Datasets of the new file that draw from a changed stream: new sessions see other data.
  public var affectedDatasets: [DatasetName] = []
  /// Key paths of changed settings that apply from now on (`log.level`).
  public var applied: [String] = []
  /// Key paths of changed settings that connections made from now on have; open ones keep theirs.
  public var appliedToNewConnections: [String] = []
  /// Key paths of changed settings that keep their old value until the daemon starts anew (`socket.path`).
  public var needsRestart: [String] = []

  /// Whether the two configurations say the same.
  public var isEmpty: Bool {
    streams.isEmpty && datasets.isEmpty && applied.isEmpty && appliedToNewConnections.isEmpty && needsRestart.isEmpty
  }

  /// What changes from `old` to `new`.
  public init(from old: Configuration, to new: Configuration) {
    streams = changes(old.streams.map { ($0.name, $0) }, new.streams.map { ($0.name, $0) })
    datasets = changes(old.datasets.map { ($0.name, $0) }, new.datasets.map { ($0.name, $0) })
    let changed = Set(streams.changed)
    affectedDatasets = new.datasets
      .filter { $0.specification.streams.contains { changed.contains($0.stream) } }.map(\.name)
    for setting in Setting.all where setting.differs(old, new) {
      switch setting.effect {
      case .atOnce: applied.append(setting.path)
      case .newConnections: appliedToNewConnections.append(setting.path)
      case .restart: needsRestart.append(setting.path)
      }
    }
  }

  /// Key paths of all settings that are compared one by one.
  static var settingPaths: [String] { Setting.all.map(\.path) }

  /// When a changed setting takes effect.
  enum Effect: CaseIterable, Sendable {
    case atOnce, newConnections, restart
  }

  /// Key paths of the settings that take effect then.
  static func settingPaths(_ effect: Effect) -> [String] { Setting.all.filter { $0.effect == effect }.map(\.path) }

  private func changes<Name: Hashable & Sendable, Value: Equatable>(
    _ old: [(Name, Value)], _ new: [(Name, Value)]
  ) -> Changes<Name> {
    let before = Dictionary(old, uniquingKeysWith: { first, _ in first })
    let after = Dictionary(new, uniquingKeysWith: { first, _ in first })
    var changes = Changes<Name>()
    changes.added = new.map(\.0).filter { before[$0] == nil }
    changes.changed = new.compactMap { name, value in
      before[name].map { $0 != value } ?? false ? name : nil
    }
    changes.removed = old.map(\.0).filter { after[$0] == nil }
    return changes
  }
}

/// One setting outside streams and datasets: how to tell that it changed, and when a running daemon takes it up.
private struct Setting: Sendable {
  let path: String
  let effect: ConfigurationDifference.Effect
  let differs: @Sendable (Configuration, Configuration) -> Bool

  init(
    _ path: String, _ effect: ConfigurationDifference.Effect,
    _ value: @escaping @Sendable (Configuration) -> some Equatable & Sendable
  ) {
    self.path = path
    self.effect = effect
    differs = { value($0) != value($1) }
  }

  /// Every setting there is; tests hold this list against the structs, and against what config/sluice.yaml says of it.
  static let all: [Setting] = [
    Setting("socket.path", .restart) { $0.socket.path }, Setting("socket.mode", .restart) { $0.socket.mode },
    Setting("socket.group", .restart) { $0.socket.group },
    Setting("socket.admin_path", .restart) { $0.socket.adminPath },
    Setting("cache.directory", .restart) { $0.cache.directory }, Setting("cache.limit", .atOnce) { $0.cache.limit },
    Setting("cache.reserve", .atOnce) { $0.cache.reserve },
    Setting("cache.prefetch_limit", .atOnce) { $0.cache.prefetchLimit },
    Setting("cache.verify_on_start", .restart) { $0.cache.verifyOnStart },
    Setting("transfer.fetchers", .restart) { $0.transfer.fetchers },
    Setting("transfer.connections_per_host", .restart) { $0.transfer.connectionsPerHost },
    Setting("transfer.downloads", .atOnce) { $0.transfer.downloads },
    Setting("transfer.minimum_rate", .atOnce) { $0.transfer.minimumRate },
    Setting("transfer.deadline_seconds", .atOnce) { $0.transfer.deadlineSeconds },
    Setting("transfer.retry_seconds", .atOnce) { $0.transfer.retrySeconds },
    Setting("transfer.retry_maximum_seconds", .atOnce) { $0.transfer.retryMaximumSeconds },
    Setting("access.users", .atOnce) { $0.access.users }, Setting("access.groups", .atOnce) { $0.access.groups },
    Setting("access.admins", .atOnce) { $0.access.admins }, Setting("inline_datasets", .atOnce) { $0.inlineDatasets },
    Setting("limits.connections", .atOnce) { $0.limits.connections },
    Setting("limits.sessions_per_connection", .newConnections) { $0.limits.sessionsPerConnection },
    Setting("limits.requests_in_flight", .newConnections) { $0.limits.requestsInFlight },
    Setting("limits.batch_bytes", .newConnections) { $0.limits.batchBytes },
    Setting("limits.frame_bytes", .newConnections) { $0.limits.frameBytes },
    Setting("limits.batch_samples", .newConnections) { $0.limits.batchSamples },
    Setting("limits.descriptors_per_connection", .newConnections) { $0.limits.descriptorsPerConnection },
    Setting("limits.inline_bytes", .newConnections) { $0.limits.inlineBytes },
    Setting("plans.directory", .restart) { $0.plans.directory }, Setting("plans.limit", .atOnce) { $0.plans.limit },
    Setting("http.listen", .restart) { $0.http.listen }, Setting("log.level", .atOnce) { $0.log.level },
    Setting("log.format", .restart) { $0.log.format }, Setting("drain_seconds", .atOnce) { $0.drainSeconds },
    Setting("wait_seconds", .atOnce) { $0.waitSeconds }, Setting("idle_seconds", .atOnce) { $0.idleSeconds },
  ]
}
