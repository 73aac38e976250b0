import FaultServer
import LinuxSystem
import StreamRegistry
import Testing
import Transfer

@testable import BuiltInStreams

/// Credentials that change while a stream is read: replaced before they expire, and when the remote refuses them (403 at
/// two of the servers, 401 at the Hub).
@Suite(.timeLimit(.minutes(1)))
final class RenewalTests {
  let path = "/dev/shm/sluice-renewal-\(UInt64.random(in: 0...UInt64.max))"
  let time = Counter()

  init() { time.add(1_795_412_000) }
  deinit { do { try Directory(path: "/dev/shm").unlink(String(path.dropFirst("/dev/shm/".count))) } catch {} }

  /// A store whose command prints what the file holds.
  private func store(_ token: String, expires: Int? = nil) throws -> CredentialStore {
    try write(token, expires: expires)
    return CredentialStore(
      [.command(["/bin/cat", path])], remedy: "none", now: { [time] in Double(time.value) }, environment: { _ in nil })
  }

  private func write(_ token: String, expires: Int?) throws {
    let expiry = expires.map { ", \"expiration\": \($0)" } ?? ""
    let file = try Directory(path: "/dev/shm").openOrCreate(String(path.dropFirst("/dev/shm/".count)))
    try file.truncate(to: 0)
    try file.write(Array(#"{"token": "\#(token)"\#(expiry)}"#.utf8), at: 0)
  }

  private func source(_ kind: String, _ server: CloudServer, _ store: CredentialStore) throws -> RemoteSource {
    let endpoint = try #require(RequestURL(server["endpoint"]))
    let service: any RemoteService =
      switch kind {
      case "gs":
        S3Service(
          S3Service.Settings(bucket: "streams", prefix: "pile", endpoint: endpoint, pathStyle: true, region: "auto"),
          scheme: "gs", store: store)
      case "azure":
        AzureService(
          account: server["account"], container: "streams", prefix: "pile", endpoint: endpoint,
          allowsPlainHTTP: false, store: store)
      default:
        HubService(
          repository: "team/words", revision: "v1", path: "pile", endpoint: endpoint, allowsPlainHTTP: false,
          store: store)
      }
    return RemoteSource(service: service, transport: CloudStreams.transport)
  }

  @Test(arguments: [("gs", "gs_server.py"), ("azure", "azure_server.py"), ("hf", "hub_server.py")])
  func credentialsAreReplaced(kind: String, script: String) async throws {
    let server = try CloudServer(script)
    let root = "http://" + (try #require(RequestURL(server["endpoint"]))).authority
    func fetch(_ source: RemoteSource) async throws {
      let bytes = try await CloudStreams.fetch(source, CloudStreams.oddName, bytes: CloudStreams.oddBytes.count)
      #expect(bytes == CloudStreams.oddBytes)
    }
    func refusals() async throws -> Int { try await CloudStreams.log(root).count { $0.refusal != nil } }

    // Refused: the second set of credentials serves, within the one call.
    let store = try store(server["token"])
    let source = try source(kind, server, store)
    try await fetch(source)
    _ = try await CloudStreams.ask("\(root)/+set?token=second")
    try write("second", expires: time.value + 1000)
    // Brand new ones are not asked for again: the refusal is about something else.
    #expect(try await CloudStreams.refusal(source, CloudStreams.oddName).code == .refused)
    time.add(31)
    try await fetch(source)
    #expect(try await refusals() == 2)

    // About to expire: replaced before anybody refuses them.
    _ = try await CloudStreams.ask("\(root)/+set?token=third")
    try write("third", expires: nil)
    time.add(701)
    try await fetch(source)
    #expect(try await refusals() == 0)
  }
}
