import StreamRegistry

/// Which datasets clients may bring along, and what their streams may name. None, unless the file says so.
///
/// Nothing a client sends can name a path, a command or a credential: those come from the rule that permits its stream.
public struct InlineDatasetRules: Sendable, Hashable {
  /// What is permitted; a stream takes the first rule that fits it.
  public var allow: [Rule] = []
  /// Whether a client may mix registered streams as it likes.
  public var registeredStreams = false
  /// Most streams of one dataset.
  public var maximumStreams = 64
  /// Most bytes of one specification.
  public var maximumBytes = 1 << 18
  /// Most datasets of this sort held at once; a further one is refused.
  public var maximumDatasets = 256

  public init() {}

  /// Whether clients may bring any.
  public var isEnabled: Bool { registeredStreams || !allow.isEmpty }

  /// One permission.
  public struct Rule: Sendable, Hashable {
    /// Streams with this kind; nil for the kind that the remote's scheme stands for.
    public var kind: String?
    /// Streams whose remote lies below this URL; nil for a kind without remotes.
    public var remote: String?
    /// The kind's keys that every such stream gets.
    public var with = ConfigurationValue.null
    /// Where every such stream finds its secrets.
    public var credentials = ConfigurationValue.null
    /// Keys of `with` that a client may set itself.
    public var clientKeys = ClientKeys.none
    /// Plain http to other machines.
    public var allowHTTP = false
  }

  /// Keys of `with` that a client may set.
  public enum ClientKeys: Sendable, Hashable {
    case none, all
    case some([String])
  }

  static func read(_ reader: inout ConfigurationReader) -> InlineDatasetRules {
    var rules = InlineDatasetRules()
    if let items = reader.value("allow") {
      if let list = items.list {
        rules.allow = list.enumerated().compactMap { position, item in
          readRule(item, "\(reader.keyPath("allow"))[\(position)]", &reader)
        }
      } else {
        reader.report("allow", "must be a list of remotes (https://data.example.com/public/), not \(items.form)")
      }
    }
    rules.registeredStreams = reader.boolean("registered_streams", default: true)
    rules.maximumStreams = reader.integer("max_streams", in: 1...4096, default: rules.maximumStreams)
    rules.maximumBytes = reader.bytes("max_bytes", atLeast: 256, default: rules.maximumBytes)
    rules.maximumDatasets = reader.integer("max_datasets", in: 1...65536, default: rules.maximumDatasets)
    return rules
  }

  private static func readRule(
    _ item: ConfigurationValue, _ path: String, _ reader: inout ConfigurationReader
  ) -> Rule? {
    var keys = ConfigurationReader(item.text == nil ? item : bareRemote(item), path: path)
    guard keys.problems.isEmpty else {
      let message = "must be a remote (https://data.example.com/public/) or a map with \"remote\" or \"kind\""
      reader.absorb([ConfigurationProblem(line: item.line, keyPath: path, message: message)])
      return nil
    }
    var rule = Rule()
    rule.remote = keys.text("remote")
    rule.kind = keys.text("kind")
    rule.with = readMap("with", &keys)
    rule.credentials = readMap("credentials", &keys)
    rule.clientKeys = readClientKeys(&keys)
    rule.allowHTTP = keys.boolean("allow_http", default: false)
    check(rule, &keys)
    keys.reportUnknownKeys()
    reader.absorb(keys.problems)
    return rule
  }

  private static func check(_ rule: Rule, _ keys: inout ConfigurationReader) {
    if let remote = rule.remote, let wrong = RemotePrefix.problem(remote) {
      keys.report("remote", wrong)
    } else if rule.remote == nil, rule.kind == nil {
      keys.report("", "permits nothing; give it a \"remote\" (https://data.example.com/public/) or a \"kind\"")
    }
    switch rule.kind {
    case "local":
      keys.report("kind", "cannot be local: no client may name a path; register the stream instead")
    case "exec":
      if rule.with.map?["command"] == nil {
        keys.report("kind", "exec needs its command here (with: {command: […]}): no client may name one")
      }
      if rule.clientKeys != .none, rule.clientKeys != .some(["config"]) {
        keys.report("client_keys", "can be [config] at most for kind exec: no client may name a command")
      }
    default: break
    }
  }

  private static func readClientKeys(_ keys: inout ConfigurationReader) -> ClientKeys {
    guard let value = keys.value("client_keys") else { return .none }
    if value.text == "all" { return .all }
    guard value.list != nil else {
      keys.report("client_keys", "must be a list of the kind's keys, or the word all")
      return .none
    }
    return .some(keys.texts("client_keys"))
  }

  private static func readMap(_ key: String, _ keys: inout ConfigurationReader) -> ConfigurationValue {
    guard let value = keys.value(key) else { return .null }
    if value.map == nil { keys.report(key, "must be a map of keys, not \(value.form)") }
    return value
  }

  private static func bareRemote(_ item: ConfigurationValue) -> ConfigurationValue {
    let entry = ConfigurationMap.Entry(key: "remote", value: item, line: item.line)
    return ConfigurationValue(.map(ConfigurationMap([entry])), line: item.line)
  }
}

/// Whether one URL lies below another, judged on text that leaves nothing to interpret.
enum RemotePrefix {
  /// What is wrong with `remote` as a URL that permissions are decided by; nil for nothing.
  static func problem(_ remote: String) -> String? {
    let url = RemoteURL(remote)
    guard url.scheme != nil, url.scheme != "file" else {
      return "must be a URL (https://…, s3://…); no client may name a path"
    }
    if url.host.isEmpty { return "names no host or bucket" }
    if url.hasUser || url.hasQuery { return "must not hold a user, a password, a query or a fragment" }
    return isPlain(remote) ? nil : "must be spelled plainly: no . or .. parts, doubled slashes, backslashes or %2e"
  }

  /// No part of `path` that a server might read as another path.
  static func isPlain(_ path: String) -> Bool {
    let lowered = path.lowercased()
    guard path.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x5c && $0 != 0x7f }),
      !["%2e", "%2f", "%5c", "%25", "%00"].contains(where: { lowered.contains($0) })
    else { return false }
    let parts = components(path)
    return parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
  }

  /// Whether `remote` is `prefix` or lies below it, part by part. Both without `problem`.
  static func permits(_ prefix: String, _ remote: String) -> Bool {
    let (left, right) = (folded(prefix), folded(remote))
    return right.count >= left.count && zip(left, right).allSatisfy { $0 == $1 }
  }

  /// Scheme, authority and the path's parts; the first two without regard to case.
  private static func folded(_ remote: String) -> [String] {
    let scheme = (RemoteURL(remote).scheme ?? "")
    let parts = components(remote).map(String.init)
    return [scheme] + parts.prefix(1).map { $0.lowercased() } + parts.dropFirst()
  }

  /// The parts between slashes, the scheme's and one trailing slash apart.
  private static func components(_ remote: String) -> [Substring] {
    var rest = Substring(remote)
    if let scheme = RemoteURL(remote).scheme { rest = rest.dropFirst(scheme.count + "://".count) }
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    return rest.split(separator: "/", omittingEmptySubsequences: false)
  }
}
