import Foundation
import Synchronization

/// A server of the tests, written in Python: it prints one line that says where it is, and ends when its standard input
/// does, so with the test process at the latest.
public final class PythonServer: Sendable {
  /// The line it printed.
  public let greeting: String
  private let process: Mutex<(Process, Pipe)>

  /// - Parameters:
  ///   - python: the interpreter; whatever the path has when it is nil.
  ///   - script: its name beside this file.
  /// - Throws: when it ends without a line.
  public init(_ script: String, arguments: [String] = [], python: String? = nil) throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(script).path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python ?? "/usr/bin/env")
    process.arguments = (python == nil ? ["python3"] : []) + [path] + arguments
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    var line = Data()
    while !line.contains(0x0a) {
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw Ended(script: script) }
      line += more
    }
    greeting = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    self.process = Mutex((process, input))
  }

  deinit { process.withLock { $0.1.fileHandleForWriting.closeFile() } }

  struct Ended: Error, CustomStringConvertible {
    let script: String
    var description: String { "\(script) ended before it served" }
  }
}

/// An object store of the tests and what it takes as credentials, by the names in its greeting.
public struct CloudServer: Sendable {
  public static let cloudStorage = Result { try CloudServer("gs_server.py") }
  public static let blobStorage = Result { try CloudServer("azure_server.py") }
  public static let hub = Result { try CloudServer("hub_server.py") }

  private let server: PythonServer
  private let facts: [String: String]

  /// A server of its own, for tests that change its settings.
  public init(_ script: String) throws {
    server = try PythonServer(script, arguments: [S3Server.dataset])
    facts = try JSONDecoder().decode([String: String].self, from: Data(server.greeting.utf8))
  }

  public subscript(fact: String) -> String { facts[fact] ?? "" }
}
