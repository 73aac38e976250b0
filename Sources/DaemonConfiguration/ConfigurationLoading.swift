import DatasetModel
import LinuxSystem
import StreamRegistry
import SystemPackage

extension Configuration {
  /// Longest file that is read.
  public static let maximumFileBytes = 16 << 20

  /// Reads and checks a YAML file.
  ///
  /// Blocks on the disk: not for the cooperative pool.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - registry: when given, every stream's kind checks its own keys too, so that all problems come at once.
  /// - Throws: everything that is wrong with it.
  public static func load(
    path: String, registry: StreamRegistry? = nil
  ) throws(ConfigurationError) -> Configuration {
    let text: String
    do {
      text = try read(path)
    } catch let problem as ConfigurationProblems {
      throw ConfigurationError(file: path, problem.problems)
    } catch {
      throw ConfigurationError(file: path, message: "cannot be read: \(error)")
    }
    return try parse(text: text, file: path, registry: registry)
  }

  /// Checks a YAML text.
  ///
  /// - Parameters:
  ///   - text: the document.
  ///   - file: what it is called in errors.
  ///   - registry: see `load`.
  /// - Throws: everything that is wrong with it.
  public static func parse(
    text: String, file: String, registry: StreamRegistry? = nil
  ) throws(ConfigurationError) -> Configuration {
    do throws(ConfigurationProblems) {
      let document = try YAMLDocument.parse(text)
      if document.isNull {
        throw ConfigurationProblems(line: 0, keyPath: "", message: "is empty; it needs at least a cache and a stream")
      }
      var reader = ConfigurationReader(document, path: "")
      let isMap = reader.problems.isEmpty
      let configuration = isMap ? Configuration.read(&reader) : Configuration()
      if isMap, let registry {
        let broken = Set(reader.problems.map(\.keyPath))
        reader.absorb(configuration.kindProblems(registry, known: broken))
      }
      try reader.finish()
      return configuration
    } catch {
      throw ConfigurationError(file: file, error.problems)
    }
  }

  /// The source of every stream, made by its kind.
  ///
  /// - Throws: everything the kinds find wrong.
  public func sources(
    from registry: StreamRegistry, file: String
  ) throws(ConfigurationError) -> [StreamName: any StreamSource] {
    var sources: [StreamName: any StreamSource] = [:]
    var problems: [ConfigurationProblem] = []
    for stream in streams {
      do throws(ConfigurationProblems) {
        sources[stream.name] = try registry.source(for: stream)
      } catch { problems += error.problems }
    }
    if !problems.isEmpty { throw ConfigurationError(file: file, problems) }
    return sources
  }

  /// What kinds find wrong, of streams in which nothing is wrong so far; and the kinds that nobody knows.
  private func kindProblems(_ registry: StreamRegistry, known broken: Set<String>) -> [ConfigurationProblem] {
    streams.flatMap { stream -> [ConfigurationProblem] in
      let isBroken = broken.contains { $0 == stream.keyPath || $0.hasPrefix(stream.keyPath + ".") }
      guard !isBroken || !registry.kinds.contains(stream.kind) else { return [] }
      do throws(ConfigurationProblems) {
        _ = try registry.source(for: stream)
        return []
      } catch { return error.problems }
    }
  }

  private static func read(_ path: String) throws -> String {
    let file = OwnedDescriptor(
      adopting: try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec).rawValue)
    var bytes: [UInt8] = []
    while true {
      // In pieces, because a pipe or a file under /proc has no size to ask for.
      let piece = try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
        count = try file.descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
      if piece.isEmpty { break }
      bytes += piece
      if bytes.count > maximumFileBytes {
        throw ConfigurationProblems(line: 0, keyPath: "", message: "is longer than \(maximumFileBytes) bytes")
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigurationProblems(line: 0, keyPath: "", message: "is not text in UTF-8")
    }
    return text
  }
}
