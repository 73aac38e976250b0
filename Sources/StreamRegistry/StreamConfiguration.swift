import DatasetModel

/// A stream as its operator wrote it: the keys every kind shares, and `with` for the kind's own.
public struct StreamConfiguration: Sendable, Hashable {
  /// Which subdirectories of the stream's root hold an index.json.
  public enum Subdirectories: Sendable, Hashable {
    /// The root itself.
    case none
    /// These, in this order, which is the samples' order.
    case list([String])
    /// Whatever the remote lists, in the order of their names.
    case discover
  }

  public var name: StreamName
  /// The registered kind that serves it (the reference's `stream_name`).
  public var kind: String
  /// Where the shards come from; nil for a stream that is only `local`.
  public var remote: String?
  /// Directory on this machine. With a remote, files found here are read in place; without, it is the stream.
  public var local: String?
  /// Path below the root that belongs to this stream (`train`).
  public var split: String?
  public var subdirectories = Subdirectories.none
  /// The kind's own keys (the reference's `stream_config`).
  public var with = ConfigurationValue.null
  /// Where the kind finds its secrets. Never shown.
  public var credentials = ConfigurationValue.null
  /// Attempts for one file in all (the reference's meaning and default); at least 1.
  public var downloadRetry = 2
  /// Seconds without a byte after which an attempt fails.
  public var downloadTimeout = 60.0
  /// Digest algorithm that every shard must have in its index and match; nil checks sizes and whatever digests there are.
  public var validateHash: String?
  /// Keep compressed files beside what they decompress to.
  public var keepZip = false
  /// Most bytes of the cache that this stream may hold; nil for no limit of its own.
  public var cacheLimit: Int?
  /// Whether plain http to other machines is accepted.
  public var allowHTTP = false
  /// Line of the stream's name in its file, from 1; 0 when it stands in none.
  public var line = 0
  /// The keys that lead to the stream: `streams.pile`.
  public var keyPath: String
  /// Line of each key that was written.
  public var keyLines: [String: Int] = [:]

  public init(name: StreamName, kind: String, remote: String? = nil, local: String? = nil) {
    self.name = name
    self.kind = kind
    self.remote = remote
    self.local = local
    self.keyPath = "streams.\(name)"
  }

  /// Where the stream is, for logs and errors: without a user, a password or a query.
  public var location: String {
    let root = remote.map(RemoteURL.redacted) ?? local ?? "\(kind):\(name)"
    guard let split else { return root }
    return root.hasSuffix("/") ? root + split : "\(root)/\(split)"
  }

  /// A reader for `with`, whose problems name the stream's keys.
  public func withReader() -> ConfigurationReader {
    ConfigurationReader(placed(with), path: "\(keyPath).with")
  }

  /// A reader for `credentials`, whose problems never show a value.
  public func credentialsReader() -> ConfigurationReader {
    ConfigurationReader(placed(credentials), path: "\(keyPath).credentials", secret: true)
  }

  /// A problem with one of this stream's keys ("" for the stream as a whole), for kinds to throw.
  public func problem(_ key: String, _ message: String) -> ConfigurationProblem {
    ConfigurationProblem(
      line: keyLines[key] ?? line, keyPath: key.isEmpty ? keyPath : "\(keyPath).\(key)", message: message)
  }

  private func placed(_ value: ConfigurationValue) -> ConfigurationValue {
    value.isNull ? ConfigurationValue(.null, line: line) : value
  }
}

extension StreamConfiguration: CustomStringConvertible, CustomReflectable {
  public var description: String { "stream \(name) (\(kind), \(location))" }
  public var customMirror: Mirror { Mirror(self, children: ["name": name, "kind": kind, "location": location]) }
}

extension StreamConfiguration {
  /// Equal in everything but where it is written: a reload may keep the stream as it is.
  public static func == (left: StreamConfiguration, right: StreamConfiguration) -> Bool {
    left.name == right.name && left.kind == right.kind && left.remote == right.remote && left.local == right.local
      && left.split == right.split && left.subdirectories == right.subdirectories && left.with == right.with
      && left.credentials == right.credentials && left.downloadRetry == right.downloadRetry
      && left.downloadTimeout == right.downloadTimeout && left.validateHash == right.validateHash
      && left.keepZip == right.keepZip && left.cacheLimit == right.cacheLimit && left.allowHTTP == right.allowHTTP
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(kind)
    hasher.combine(remote)
    hasher.combine(local)
    hasher.combine(split)
    hasher.combine(with)
  }
}
