import DatasetModel
import FaultServer
import StreamRegistry
import Testing

@testable import BuiltInStreams

/// What is the Hub's alone: revisions, and files that come from another host.
@Suite(.timeLimit(.minutes(1)))
struct HubTests {
  /// A server of its own: its log is read.
  let hub: CloudServer

  init() throws { hub = try CloudServer("hub_server.py") }

  func source(_ remote: String, token: String? = nil) throws -> any StreamSource {
    try CloudStreams.source(
      "hf", remote, endpoint: hub["endpoint"], environment: ["HF_TOKEN": token ?? hub["token"]])
  }

  @Test func revisionsAreToldApart() async throws {
    for revision in ["main", "v1", "refs/pr/1"] {
      var remote = "hf://datasets/team/words"
      if revision == "v1" { remote += "@v1" }
      var stream = StreamConfiguration(name: "pile", kind: "hf", remote: remote)
      let with = [("endpoint", hub["endpoint"]), ("revision", revision)]
      let entries = with.map { ConfigurationMap.Entry(key: $0.0, value: ConfigurationValue(.text($0.1), line: 1)) }
      stream.with = ConfigurationValue(.map(ConfigurationMap(entries)), line: 1)
      let token = hub["token"]
      let source = try HubKind.make(stream, transport: CloudStreams.transport, spool: IndexSpool()) {
        $0 == "HF_TOKEN" ? token : nil
      }
      let bytes = try await CloudStreams.fetch(source, "which.txt", bytes: 16)
      #expect(String(decoding: bytes, as: UTF8.self).hasPrefix(revision))
      if revision == "refs/pr/1" {
        #expect(try await CloudStreams.fetch(source, "pile/large.mds", bytes: 16_384).count == 16_384)
      }
    }
    let error = try await CloudStreams.refusal(try source("hf://datasets/team/words@v9"))
    #expect(error.code == .notFound)
  }

  @Test func theTokenStaysWithTheHub() async throws {
    let source = try source("hf://datasets/team/words@v1/pile")
    let bytes = try await CloudStreams.fetch(source, CloudStreams.oddName, bytes: CloudStreams.oddBytes.count)
    #expect(bytes == CloudStreams.oddBytes)
    let asked = try await CloudStreams.log(hub["endpoint"])
    let (first, second) = (try #require(asked.first), try #require(asked.last))
    #expect(asked.count == 2)
    #expect(first.path.hasPrefix("/datasets/team/words/resolve/v1/pile/"))
    #expect(first.headers["authorization"] == "Bearer \(hub["token"])")
    #expect(second.path.hasPrefix("/files/v1/pile/"))
    #expect(second.headers["authorization"] == nil && second.refusal == nil)
    #expect(!second.headers.values.contains { $0.contains(hub["token"]) })
  }
}
