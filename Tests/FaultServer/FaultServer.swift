import Foundation
import Synchronization

/// The misbehaving web server of the tests, started when the first test wants it; it ends with the test process, because
/// its standard input does.
public final class FaultServer: Sendable {
  public static let shared = Result { try FaultServer() }

  public let port: Int
  private let process: Mutex<(Process, Pipe)>

  public init(arguments: [String] = []) throws {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("fault_server.py")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", script.path] + arguments
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    guard let port = Int(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw CocoaError(.executableLoad)
    }
    self.port = port
    self.process = Mutex((process, input))
  }

  deinit {
    process.withLock { $0.1.fileHandleForWriting.closeFile() }
  }

  /// The URL of a fault: `url("truncate", 4096)`. Every call names another file, so that tests do not share counts.
  public func url(_ fault: String, _ length: Int, query: String = "") -> String {
    let name = "\(UInt64.random(in: 0...UInt64.max))"
    return "http://127.0.0.1:\(port)/\(fault)/\(length)/\(name)\(query.isEmpty ? "" : "?\(query)")"
  }
}
