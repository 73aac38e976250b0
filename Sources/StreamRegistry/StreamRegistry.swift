/// The kinds of streams that this daemon knows, by name: built in and a user's own, all through the same door.
///
/// ```swift
/// var registry = StreamRegistry()
/// try registry.register("my_stream") { configuration in try MyStream(configuration) }
/// ```
public struct StreamRegistry: Sendable {
  /// Makes a source from a stream's configuration. It checks its keys (with `ConfigurationReader`) and throws
  /// `ConfigurationProblems` with all that is wrong; it connects to nothing and reads nothing, because configurations
  /// are checked more often than streams are opened.
  public typealias Factory = @Sendable (StreamConfiguration) throws -> any StreamSource

  private var factories: [String: Factory] = [:]

  /// A registry that knows no kind yet.
  public init() {}

  /// Makes `kind` known.
  ///
  /// - Parameters:
  ///   - kind: lower-case letters, digits, `_` and `-`, beginning with a letter: what `kind:` of a stream says. A kind
  ///     named like a URL scheme also serves remotes of that scheme.
  ///   - make: the kind's factory.
  /// - Throws: when the name is taken or is not one.
  public mutating func register(_ kind: String, _ make: @escaping Factory) throws(StreamRegistryError) {
    guard StreamRegistry.isName(kind) else { throw .badName(kind) }
    guard factories[kind] == nil else { throw .nameTaken(kind) }
    factories[kind] = make
  }

  /// All names, sorted.
  public var kinds: [String] { factories.keys.sorted() }

  /// The source of a stream.
  ///
  /// - Throws: everything that is wrong with the stream's configuration, an unknown kind included.
  public func source(for stream: StreamConfiguration) throws(ConfigurationProblems) -> any StreamSource {
    guard let make = factories[stream.kind] else { throw unknownKind(stream) }
    do {
      return try make(stream)
    } catch let problems as ConfigurationProblems {
      throw problems
    } catch {
      throw ConfigurationProblems([stream.problem("", "kind \(stream.kind) refuses it: \(error)")])
    }
  }

  private func unknownKind(_ stream: StreamConfiguration) -> ConfigurationProblems {
    let hint = NearestName.hint(stream.kind, among: kinds)
    let known = kinds.isEmpty ? "none is registered" : "known are \(kinds.joined(separator: ", "))"
    let followed = stream.remote.map(RemoteURL.init)?.scheme == stream.kind
    let key = followed ? "remote" : "kind"
    let what = followed ? "no kind for \(stream.kind):// remotes" : "unknown kind \"\(stream.kind)\""
    return ConfigurationProblems([stream.problem(key, "\(what); \(known)\(hint)")])
  }

  private static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, (0x61...0x7a).contains(first), text.utf8.count <= 64 else { return false }
    return text.utf8.allSatisfy { byte in
      (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5f || byte == 0x2d
    }
  }
}

/// Why a kind could not be registered: a mistake in the program that registers it.
public enum StreamRegistryError: Error, Sendable, Hashable, CustomStringConvertible {
  case nameTaken(String)
  case badName(String)

  public var description: String {
    switch self {
    case .nameTaken(let kind):
      "the stream kind \"\(kind)\" is already registered; every kind needs a name of its own"
    case .badName(let kind):
      "\"\(kind)\" cannot name a stream kind; use up to 64 lower-case letters, digits, _ and -, a letter first"
    }
  }
}
