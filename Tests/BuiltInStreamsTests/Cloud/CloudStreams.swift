import DatasetModel
import FaultServer
import Foundation
import LinuxSystem
import StreamRegistry
import Testing
import Transfer

@testable import BuiltInStreams

/// Streams of the cloud kinds, configured as an operator would, on the servers of the tests.
enum CloudStreams {
  /// One for each stream: in process, one takes no more than 32 requests at once.
  static var transport: SessionTransport { SessionTransport() }
  /// A name with everything that has to be encoded, and how long that file is.
  static let oddName = "odd name+&é=1.mds"
  static let oddBytes = [UInt8]((0..<262_144).map { UInt8(truncatingIfNeeded: $0) })

  static func source(
    _ kind: String, _ remote: String, endpoint: String, environment: [String: String] = [:],
    credentials: [(String, ConfigurationValue.Content)] = [],
    subdirectories: StreamConfiguration.Subdirectories = .none
  ) throws -> any StreamSource {
    func map(_ entries: [(String, ConfigurationValue.Content)]) -> ConfigurationValue {
      let entries = entries.map { ConfigurationMap.Entry(key: $0.0, value: ConfigurationValue($0.1, line: 1)) }
      return ConfigurationValue(.map(ConfigurationMap(entries)), line: 1)
    }
    var stream = StreamConfiguration(name: "pile", kind: kind, remote: remote)
    stream.with = map([("endpoint", .text(endpoint))])
    if !credentials.isEmpty { stream.credentials = map(credentials) }
    stream.subdirectories = subdirectories
    let look: @Sendable (String) -> String? = { environment[$0] }
    return switch kind {
    case "gs": try GSKind.make(stream, transport: transport, spool: IndexSpool(), environment: look)
    case "azure": try AzureKind.make(stream, transport: transport, spool: IndexSpool(), environment: look)
    default: try HubKind.make(stream, transport: transport, spool: IndexSpool(), environment: look)
    }
  }

  static func fetch(_ source: any StreamSource, _ path: String, bytes: Int) async throws -> [UInt8] {
    let staging = try Staging()
    _ = try await source.fetch(FileRequest(path: path, bytes: bytes), into: StagingFile(descriptor: staging.file))
    return try staging.bytes()
  }

  /// The refusal of a fetch.
  static func refusal(_ source: any StreamSource, _ path: String = "index.json") async throws -> StreamSourceError {
    try await #require(throws: StreamSourceError.self) { try await fetch(source, path, bytes: 9) }
  }

  static func subdirectories(_ source: any StreamSource) async throws -> [String] {
    guard case .documents(let documents, _) = try await source.manifest() else { return [] }
    return documents.map(\.subdirectory)
  }

  /// Asks the server itself.
  static func ask(_ address: String) async throws -> String {
    let staging = try Staging()
    let url = try #require(RequestURL(address))
    _ = try await transport.perform(
      TransferRequest(url: url, extent: .atMost(1 << 20)), into: staging.file, progress: { _ in })
    return String(decoding: try staging.bytes(), as: UTF8.self)
  }

  /// What a server was asked since the last time.
  static func log(_ server: String) async throws -> [Asked] {
    try await ask("\(server)/+log").split(separator: "\n").map {
      try JSONDecoder().decode(Asked.self, from: Data($0.utf8))
    }
  }

  struct Asked: Decodable {
    let path: String
    let headers: [String: String]
    let refusal: String?
  }
}
