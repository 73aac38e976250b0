import ArgumentParser
import DaemonClient
import Foundation
import LinuxSystem
import LocalSocket
import WireProtocol

/// Where the daemon is; every command that talks to one has these.
struct DaemonOptions: ParsableArguments {
  @Option(help: "The daemon's socket. [default: $SLUICE_SOCKET, else /run/sluice/sluiced.sock]")
  var socket: String?

  @Option(help: "Seconds to wait for an answer.")
  var timeout = 5.0

  /// The socket to use.
  var path: String { socket ?? EnvironmentVariable.value("SLUICE_SOCKET") ?? "/run/sluice/sluiced.sock" }

  func validate() throws {
    guard timeout > 0, timeout <= 86_400 else {
      throw ValidationError("--timeout must be more than 0 and at most 86400")
    }
  }

  /// A connection that has said hello.
  func connect(timeout seconds: Double? = nil) throws -> WireClient<DaemonTransport> {
    try DaemonClient.connect(
      to: path, name: "sluice \(Sluice.configuration.version)", timeout: .seconds(seconds ?? timeout))
  }

  /// The answer to an admin request, decoded.
  func admin<Document: Decodable>(
    _ verb: String, _ argument: (any Encodable)? = nil, timeout: Double? = nil, onProgress: (String) -> Void = { _ in }
  ) throws -> Document {
    var client = try connect(timeout: timeout)
    let text = try argument.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) } ?? ""
    let reply = try client.call(AdminRequest(verb: verb, argument: text), onProgress: onProgress)
    return try Self.decode(reply.document)
  }

  static func decode<Document: Decodable>(_ text: String) throws -> Document {
    try JSONDecoder().decode(Document.self, from: Data(text.utf8))
  }

  static func encode(_ document: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(document), as: UTF8.self)
  }
}

/// One line that says why no answer came.
func explain(_ error: any Error, socket: String) -> String {
  switch error {
  case let error as LocalSocketError:
    switch error.code {
    case .unavailable: "no daemon listens at \(socket); start sluiced, or name its socket with --socket"
    case .timedOut: "the daemon at \(socket) did not answer in time"
    default: "\(error)"
    }
  case .refused(let reply) as WireClientError: reply.message
  case .transport(let inner) as WireClientError: explain(inner, socket: socket)
  case .closed as WireClientError: "the daemon at \(socket) closed the connection"
  default: "\(error)"
  }
}
