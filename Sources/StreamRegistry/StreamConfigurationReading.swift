import DatasetModel

extension StreamConfiguration {
  /// Reads a stream's keys; problems go to `reader`, and what comes back is then not to be used.
  ///
  /// - Parameters:
  ///   - name: the stream's name, already checked.
  ///   - reader: the map of the stream's keys.
  ///   - allowHTTP: what `allow_http` is when the keys do not say.
  public static func read(
    _ name: StreamName, from reader: inout ConfigurationReader, allowHTTP: Bool = false
  ) -> StreamConfiguration {
    let remote = reader.text("remote")
    let url = remote.map(RemoteURL.init)
    let local = reader.text("local")
    let kind = reader.text("kind") ?? url?.kind ?? "local"
    var stream = StreamConfiguration(name: name, kind: kind, remote: remote, local: local)
    stream.line = reader.line
    stream.keyPath = reader.path
    stream.keyLines = Dictionary(uniqueKeysWithValues: reader.keys.map { ($0, reader.line(of: $0)) })
    stream.split = readPath("split", from: &reader)
    stream.subdirectories = readSubdirectories(from: &reader)
    stream.with = readMap("with", from: &reader)
    stream.credentials = readMap("credentials", from: &reader)
    stream.downloadRetry = reader.integer("download_retry", in: 1...100, default: 2)
    stream.downloadTimeout = reader.seconds("download_timeout", default: 60)
    stream.validateHash = reader.choice("validate_hash", of: hashNames)
    stream.keepZip = reader.boolean("keep_zip", default: false)
    let limit = reader.bytes("cache_limit", default: 0)
    stream.cacheLimit = limit == 0 ? nil : limit
    stream.allowHTTP = reader.boolean("allow_http", default: allowHTTP)
    checkLocation(stream, url, &reader)
    return stream
  }

  /// The digests that the reference's index files can carry.
  public static let hashNames = [
    "blake2b", "blake2s", "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384",
    "sha3_512", "xxh32", "xxh64", "xxh128", "xxh3_64", "xxh3_128",
  ]

  private static let needsRemote: Set<String> = ["https", "http", "s3", "gs", "azure", "hf"]

  private static func checkLocation(
    _ stream: StreamConfiguration, _ url: RemoteURL?, _ reader: inout ConfigurationReader
  ) {
    if let local = stream.local, !local.hasPrefix("/") {
      reader.report("local", "must be an absolute path (it begins with /), not \"\(local)\"")
    }
    if stream.kind == "local", stream.local == nil, stream.remote == nil {
      reader.absorb([
        stream.problem(
          "", "needs \"remote\" (https://…, s3://…) or \"local\" (a directory on this machine), or a \"kind\"")
      ])
    }
    if needsRemote.contains(stream.kind), stream.remote == nil {
      reader.require("remote", "where the shards of a stream of kind \(stream.kind) come from (\(stream.kind)://…)")
    }
    guard let url, let remote = stream.remote else { return }
    guard let scheme = url.scheme else {
      if stream.kind == "local", !remote.hasPrefix("/") {
        reader.report("remote", "must be an absolute path or a URL (https://…, s3://…), not \"\(remote)\"")
      }
      return
    }
    if url.hasUser {
      reader.report("remote", "must not hold a user or password; put them under \"credentials\"")
    }
    if url.hasQuery {
      reader.report("remote", "must not hold a query (?…) or fragment (#…); signatures go under \"credentials\"")
    }
    if url.host.isEmpty {
      reader.report(
        "remote", scheme == "file" ? "write a path (/data/pile), not a file:// URL" : "names no host or bucket")
    } else if scheme == "file" {
      reader.report("remote", "write a path (/data/pile), not a file:// URL")
    } else if scheme == "http", !url.isLoopback, !stream.allowHTTP {
      reader.report("remote", "plain http is accepted from this machine only; use https, or set \"allow_http: true\"")
    }
  }

  /// A path below the root: relative, without `..`, empty parts or a trailing slash.
  private static func readPath(_ key: String, from reader: inout ConfigurationReader) -> String? {
    guard let path = reader.text(key) else { return nil }
    guard isBelowRoot(path) else {
      reader.report(key, "must be a path below the stream's root (train, en/train), not \"\(path)\"")
      return nil
    }
    return path
  }

  private static func isBelowRoot(_ path: String) -> Bool {
    path.split(separator: "/", omittingEmptySubsequences: false)
      .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }
  }

  private static func readSubdirectories(from reader: inout ConfigurationReader) -> Subdirectories {
    guard let value = reader.value("subdirectories") else { return .none }
    if let word = value.text {
      if word == "discover" { return .discover }
      reader.report("subdirectories", "must be a list of paths, or the word discover, not \"\(word)\"")
      return .none
    }
    let paths = reader.texts("subdirectories")
    var seen: Set<String> = []
    for path in paths {
      if !isBelowRoot(path) {
        reader.report("subdirectories", "must be paths below the stream's root (en, de/train), not \"\(path)\"")
      } else if !seen.insert(path).inserted {
        reader.report("subdirectories", "names \"\(path)\" twice")
      }
    }
    if value.list?.isEmpty == true {
      reader.report("subdirectories", "is empty; leave it out for a stream with one index.json at its root")
    }
    return paths.isEmpty ? .none : .list(paths)
  }

  private static func readMap(_ key: String, from reader: inout ConfigurationReader) -> ConfigurationValue {
    guard let value = reader.value(key) else { return .null }
    if value.map == nil { reader.report(key, "must be a map of keys, not \(value.form)") }
    return value
  }
}
