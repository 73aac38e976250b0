import Foundation

/// The misbehaving web server of the tests, started when the first test wants it; it ends with the test process, because
/// its standard input does.
public final class FaultServer: Sendable {
  public static let shared = Result { try FaultServer() }

  public let port: Int
  private let server: PythonServer

  public init(arguments: [String] = []) throws {
    server = try PythonServer("fault_server.py", arguments: arguments)
    guard let port = Int(server.greeting) else { throw CocoaError(.executableLoad) }
    self.port = port
  }

  /// The URL of a fault: `url("truncate", 4096)`. Every call names another file, so that tests do not share counts.
  public func url(_ fault: String, _ length: Int, query: String = "") -> String {
    let name = "\(UInt64.random(in: 0...UInt64.max))"
    return "http://127.0.0.1:\(port)/\(fault)/\(length)/\(name)\(query.isEmpty ? "" : "?\(query)")"
  }
}
