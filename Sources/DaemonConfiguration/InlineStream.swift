import DatasetModel
import StreamRegistry

/// A stream that a client describes itself, held against the rules.
enum InlineStream {
  /// Keys of a stream that only the operator sets.
  private static let operatorKeys = [
    ("local", "no client may name a path"), ("credentials", "the daemon's configuration says where secrets are"),
    ("allow_http", "the daemon's configuration permits plain http"),
    ("cache_limit", "the daemon's configuration sets it"),
  ]

  /// Reads the keys of one stream; what comes back has the name of what it is, and what its rule gives it.
  static func read(_ rules: InlineDatasetRules, from reader: inout ConfigurationReader) -> StreamConfiguration {
    let remote = reader.value("remote")?.text
    let kind = reader.value("kind")?.text ?? remote.map { RemoteURL($0).kind }
    let rule = rules.allow.first { fits($0, kind: kind, remote: remote) }

    let before = reader.problems.count
    var stream = StreamConfiguration.read("", from: &reader, allowHTTP: rule?.allowHTTP ?? false)
    for (key, why) in operatorKeys where reader.has(key) {
      reader.report(key, "cannot be set by a client: \(why)")
    }
    if let remote, let wrong = RemotePrefix.problem(remote) {
      if reader.problems.count == before { reader.report("remote", wrong) }
    } else if let rule {
      grant(rule, to: &stream, &reader)
    } else if reader.problems.count == before {
      refuse(kind: kind, remote: remote, rules, &reader)
    }
    checkPaths(stream, &reader)
    stream.name = name(of: stream)
    return stream
  }

  private static func fits(_ rule: InlineDatasetRules.Rule, kind: String?, remote: String?) -> Bool {
    guard let kind, rule.kind ?? rule.remote.map({ RemoteURL($0).kind }) == kind else { return false }
    guard let prefix = rule.remote else { return remote == nil }
    guard let remote, RemotePrefix.problem(remote) == nil else { return false }
    return RemotePrefix.permits(prefix, remote)
  }

  /// Gives the stream the rule's keys, and of the client's own those that the rule leaves to it.
  private static func grant(
    _ rule: InlineDatasetRules.Rule, to stream: inout StreamConfiguration, _ reader: inout ConfigurationReader
  ) {
    let own = stream.with.map?.entries ?? []
    let given = rule.with.map?.entries ?? []
    for entry in own {
      let isFree: Bool =
        switch rule.clientKeys {
        case .none: false
        case .all: true
        case .some(let keys): keys.contains(entry.key)
        }
      if !isFree || given.contains(where: { $0.key == entry.key }) {
        let message = "cannot be set by a client; the daemon's configuration decides it (client_keys)"
        let path = "\(reader.keyPath("with")).\(entry.key)"
        reader.absorb([ConfigurationProblem(line: entry.line, keyPath: path, message: message)])
      }
    }
    if !given.isEmpty || !own.isEmpty {
      stream.with = ConfigurationValue(.map(ConfigurationMap(given + own)), line: stream.with.line)
    }
    stream.credentials = rule.credentials
  }

  private static func refuse(
    kind: String?, remote: String?, _ rules: InlineDatasetRules, _ reader: inout ConfigurationReader
  ) {
    let remotes = rules.allow.compactMap(\.remote)
    let kinds = rules.allow.filter { $0.remote == nil }.compactMap(\.kind)
    let permitted =
      (remotes.isEmpty ? [] : ["remotes below \(remotes.joined(separator: ", "))"])
      + (kinds.isEmpty ? [] : ["the kinds \(kinds.joined(separator: ", "))"])
      + (rules.registeredStreams ? ["registered streams by name (\"stream\")"] : [])
    let what = remote == nil ? "this kind" : "this remote"
    reader.report(
      remote == nil ? "kind" : "remote",
      "\(what) is not permitted here; permitted are \(permitted.joined(separator: "; "))")
  }

  private static func checkPaths(_ stream: StreamConfiguration, _ reader: inout ConfigurationReader) {
    let message = "must be spelled plainly: no backslashes, blanks or %2e"
    if let split = stream.split, !RemotePrefix.isPlain(split) { reader.report("split", message) }
    if case .list(let paths) = stream.subdirectories, !paths.allSatisfy(RemotePrefix.isPlain) {
      reader.report("subdirectories", message)
    }
  }

  /// What the stream is, so that two clients that describe the same one share it. Not a name an operator can give.
  private static func name(of stream: StreamConfiguration) -> StreamName {
    var keys = stream.with.canonicalText
    switch stream.subdirectories {
    case .none: break
    case .discover: keys += "|discover"
    case .list(let paths): keys += "|" + paths.joined(separator: "|")
    }
    keys += "|\(stream.validateHash ?? "")|\(stream.keepZip)"
    let root = stream.remote.map(RemoteURL.redacted) ?? stream.kind
    let place = stream.split.map { root.hasSuffix("/") ? root + $0 : "\(root)/\($0)" } ?? root
    let digits = String(fowlerNollVo(keys), radix: 16)
    return StreamName("\(stream.kind):\(place)#\(String(repeating: "0", count: 16 - digits.count))\(digits)")
  }

  /// FNV-1a of 64 bits: tells configurations apart, promises nothing against forgery.
  private static func fowlerNollVo(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }
}
