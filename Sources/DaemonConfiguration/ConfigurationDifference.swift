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
  /// Key paths of changed settings that keep their old value until the daemon starts anew (`socket.path`).
  public var needsRestart: [String] = []

  /// Whether the two configurations say the same.
  public var isEmpty: Bool { streams.isEmpty && datasets.isEmpty && applied.isEmpty && needsRestart.isEmpty }

  /// What changes from `old` to `new`.
  public init(from old: Configuration, to new: Configuration) {
    streams = changes(old.streams.map { ($0.name, $0) }, new.streams.map { ($0.name, $0) })
    datasets = changes(old.datasets.map { ($0.name, $0) }, new.datasets.map { ($0.name, $0) })
    let changed = Set(streams.changed)
    affectedDatasets = new.datasets
      .filter { $0.specification.streams.contains { changed.contains($0.stream) } }.map(\.name)
    for setting in Setting.all where setting.differs(old, new) {
      if setting.isLive { applied.append(setting.path) } else { needsRestart.append(setting.path) }
    }
  }

  /// Key paths of all settings that are compared one by one.
  static var settingPaths: [String] { Setting.all.map(\.path) }

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

/// One setting outside streams and datasets: how to tell that it changed, and whether a running daemon takes it up.
private struct Setting: Sendable {
  let path: String
  let isLive: Bool
  let differs: @Sendable (Configuration, Configuration) -> Bool

  static func live(_ path: String, _ value: @escaping @Sendable (Configuration) -> some Equatable & Sendable) -> Setting
  {
    Setting(path: path, isLive: true) { value($0) != value($1) }
  }

  static func fixed(_ path: String, _ value: @escaping @Sendable (Configuration) -> some Equatable & Sendable)
    -> Setting
  {
    Setting(path: path, isLive: false) { value($0) != value($1) }
  }

  /// Every setting there is; a test holds this list against the structs.
  static let all: [Setting] = [
    fixed("socket.path") { $0.socket.path }, fixed("socket.mode") { $0.socket.mode },
    fixed("socket.group") { $0.socket.group }, fixed("socket.admin_path") { $0.socket.adminPath },
    fixed("cache.directory") { $0.cache.directory }, live("cache.limit") { $0.cache.limit },
    live("cache.reserve") { $0.cache.reserve }, fixed("cache.prefetch_limit") { $0.cache.prefetchLimit },
    fixed("cache.verify_on_start") { $0.cache.verifyOnStart },
    fixed("transfer.fetchers") { $0.transfer.fetchers },
    fixed("transfer.connections_per_host") { $0.transfer.connectionsPerHost },
    fixed("transfer.downloads") { $0.transfer.downloads },
    live("transfer.minimum_rate") { $0.transfer.minimumRate },
    live("transfer.deadline_seconds") { $0.transfer.deadlineSeconds },
    live("transfer.retry_seconds") { $0.transfer.retrySeconds },
    live("transfer.retry_maximum_seconds") { $0.transfer.retryMaximumSeconds },
    live("access.users") { $0.access.users }, live("access.groups") { $0.access.groups },
    live("access.admins") { $0.access.admins }, live("inline_datasets") { $0.inlineDatasets },
    live("limits.connections") { $0.limits.connections },
    live("limits.sessions_per_connection") { $0.limits.sessionsPerConnection },
    live("limits.requests_in_flight") { $0.limits.requestsInFlight },
    live("limits.batch_bytes") { $0.limits.batchBytes }, live("limits.frame_bytes") { $0.limits.frameBytes },
    live("limits.batch_samples") { $0.limits.batchSamples },
    live("limits.descriptors_per_connection") { $0.limits.descriptorsPerConnection },
    live("limits.inline_bytes") { $0.limits.inlineBytes }, fixed("plans.directory") { $0.plans.directory },
    live("plans.limit") { $0.plans.limit }, fixed("http.listen") { $0.http.listen }, live("log.level") { $0.log.level },
    fixed("log.format") { $0.log.format }, live("drain_seconds") { $0.drainSeconds },
    live("wait_seconds") { $0.waitSeconds }, live("idle_seconds") { $0.idleSeconds },
  ]
}
