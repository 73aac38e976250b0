import Foundation
import Testing

/// mosaicml-streaming itself, where it is installed: in `SLUICE_REFERENCE_PYTHON`'s Python or the checkout's `.venv`.
enum Reference {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let script = root.appending(path: "Tests/Fixtures/reference/mds_writer.py").path

  static let missing: Comment =
    "mosaicml-streaming 0.13.0 is not installed; run scripts/setup reference or set SLUICE_REFERENCE_PYTHON"

  /// The Python that can import it, asked for once.
  static let python: String? = {
    let candidates: [String?] = [
      ProcessInfo.processInfo.environment["SLUICE_REFERENCE_PYTHON"], root.appending(path: ".venv/bin/python").path,
    ]
    return candidates.compactMap { $0 }.first { path in
      FileManager.default.isExecutableFile(atPath: path)
        && (try? run(path, ["-c", "import streaming; assert streaming.__version__ == '0.13.0'"])) != nil
    }
  }()

  static var isInstalled: Bool { python != nil }

  struct Failed: Error, CustomStringConvertible { let description: String }

  /// Runs a Python program; answers what it printed.
  @discardableResult
  static func run(_ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    var environment = ProcessInfo.processInfo.environment
    // The stand-in for torchvision, which the reference imports for type names only.
    environment["PYTHONPATH"] = root.appending(path: "scripts/stand-ins").path
    process.environment = environment
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let complaints = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failed(description: String(decoding: complaints, as: UTF8.self))
    }
    return String(decoding: text, as: UTF8.self)
  }

  static func run(_ arguments: String...) throws -> String {
    guard let python else { throw Failed(description: "no reference") }
    return try run(python, [script] + arguments)
  }
}

/// A directory for one test, removed with it.
final class TemporaryDirectory {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }

  func write(_ name: String, _ text: String) throws -> String {
    try Data(text.utf8).write(to: url.appending(path: name))
    return path(name)
  }

  func files(_ name: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for file in try FileManager.default.contentsOfDirectory(atPath: path(name)) {
      files[file] = try Data(contentsOf: url.appending(path: name).appending(path: file))
    }
    return files
  }
}
