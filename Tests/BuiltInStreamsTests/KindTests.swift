import DatasetModel
import FaultServer
import LinuxSystem
import StreamRegistry
import StreamSourceConformance
import Testing
import Transfer

@testable import BuiltInStreams

/// What each kind makes of its configuration, and what it asks its remote for.
@Suite(.timeLimit(.minutes(1)))
struct KindTests {
  /// Remembers what it was asked, and fails.
  private final class Recorder: Transport {
    let requests = Recorded()
    private let region: String?

    /// - Parameter regionFirst: the region that the first answer says the bucket is in.
    init(regionFirst region: String? = nil) { self.region = region }

    func perform(
      _ request: TransferRequest, into file: OwnedDescriptor, progress: @escaping @Sendable (Int) -> Void
    ) async throws(TransferFailure) -> TransferReceipt {
      requests.add(request)
      var failure = TransferFailure(.permanent, .status, "recorded")
      if requests.all.count == 1 { failure.region = region }
      throw failure
    }
  }

  func map(_ entries: [(String, ConfigurationValue.Content)]) -> ConfigurationValue {
    ConfigurationValue(
      .map(ConfigurationMap(entries.map { .init(key: $0.0, value: ConfigurationValue($0.1, line: 3)) })), line: 2)
  }

  func stream(
    _ kind: String, _ remote: String, with: [(String, ConfigurationValue.Content)] = [],
    credentials: [(String, ConfigurationValue.Content)] = [("environment", .bool(true))]
  ) -> StreamConfiguration {
    var stream = StreamConfiguration(name: "pile", kind: kind, remote: remote)
    stream.split = "train"
    if !with.isEmpty { stream.with = map(with) }
    if !credentials.isEmpty { stream.credentials = map(credentials) }
    return stream
  }

  private func asked(
    _ stream: StreamConfiguration, _ environment: [String: String]
  ) async throws -> TransferRequest {
    let recorder = Recorder()
    let look: @Sendable (String) -> String? = { environment[$0] }
    let source: any StreamSource =
      switch stream.kind {
      case "s3": try S3Kind.make(stream, transport: recorder, spool: IndexSpool(), environment: look)
      case "gs": try GSKind.make(stream, transport: recorder, spool: IndexSpool(), environment: look)
      case "azure": try AzureKind.make(stream, transport: recorder, spool: IndexSpool(), environment: look)
      default: try HubKind.make(stream, transport: recorder, spool: IndexSpool(), environment: look)
      }
    _ = try await #require(throws: StreamSourceError.self) {
      try await source.fetch(
        FileRequest(path: "a b.mds", bytes: 9), into: StagingFile(descriptor: try .memoryFile("x")))
    }
    return try #require(recorder.requests.all.first)
  }

  @Test func amazon() async throws {
    let keys = ["AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "AWS_REGION": "eu-central-1"]
    let plain = try await asked(stream("s3", "s3://team-data/pile mds/"), keys)
    #expect(plain.url.text == "https://team-data.s3.eu-central-1.amazonaws.com/pile%20mds/train/a%20b.mds")
    #expect(plain.headers.contains { $0.name == "Authorization" && $0.value.contains("/eu-central-1/s3/") })
    let dots = try await asked(stream("s3", "s3://team.data/x"), keys)
    #expect(dots.url.text == "https://s3.eu-central-1.amazonaws.com/team.data/x/train/a%20b.mds")
    let minio: [(String, ConfigurationValue.Content)] = [
      ("endpoint", .text("https://minio:9000")), ("path_style", .bool(true)), ("requester_pays", .bool(true)),
    ]
    let own = try await asked(stream("s3", "s3://pile/mds", with: minio), keys)
    #expect(own.url.text == "https://minio:9000/pile/mds/train/a%20b.mds")
    #expect(own.headers.contains { $0.name == "x-amz-request-payer" })
    let virtual: [(String, ConfigurationValue.Content)] = [
      ("endpoint", .text("https://r2.example")), ("path_style", .bool(false)), ("region", .text("auto")),
    ]
    #expect(try await asked(stream("s3", "s3://pile/mds", with: virtual), keys).url.host == "pile.r2.example")
    let open = try await asked(stream("s3", "s3://pile/mds", credentials: [("anonymous", .bool(true))]), keys)
    #expect(open.headers.isEmpty)
  }

  @Test func aBucketInAnotherRegionIsSignedForAnew() async throws {
    let recorder = Recorder(regionFirst: "eu-west-1")
    let keys = ["AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"]
    let source = try S3Kind.make(stream("s3", "s3://pile/x"), transport: recorder, spool: IndexSpool()) { keys[$0] }
    _ = try await #require(throws: StreamSourceError.self) {
      try await source.fetch(FileRequest(path: "a", bytes: 9), into: StagingFile(descriptor: try .memoryFile("x")))
    }
    #expect(
      recorder.requests.all.map(\.url.host) == ["pile.s3.us-east-1.amazonaws.com", "pile.s3.eu-west-1.amazonaws.com"])
    #expect(recorder.requests.all.last?.headers.contains { $0.value.contains("/eu-west-1/s3/") } == true)
  }

  @Test func google() async throws {
    let signed = try await asked(stream("gs", "gs://bucket/p"), ["GCS_KEY": "K", "GCS_SECRET": "S"])
    #expect(signed.url.text == "https://storage.googleapis.com/bucket/p/train/a%20b.mds")
    #expect(signed.headers.contains { $0.value.contains("/auto/s3/aws4_request") })
    let bearer = try await asked(stream("gs", "gs://bucket/p"), ["GOOGLE_OAUTH_ACCESS_TOKEN": "T"])
    #expect(bearer.headers == [HTTPField("Authorization", "Bearer T", isSecret: true)])
  }

  @Test func azure() async throws {
    let remote = "azure://account.blob.core.windows.net/container/p"
    let address = "https://account.blob.core.windows.net/container/p/train/a%20b.mds"
    let signed = try await asked(stream("azure", remote), ["AZURE_ACCOUNT_ACCESS_KEY": "AAAA"])
    #expect(signed.url.text == address)
    #expect(signed.headers.contains { $0.value.hasPrefix("SharedKey account:") && $0.isSecret })
    let shared = try await asked(stream("azure", remote), ["AZURE_STORAGE_SAS_TOKEN": "?sv=1&sig=x"])
    #expect(shared.url.text == address + "?sv=1&sig=x")
    #expect(shared.url.textWithoutQuery == address)
  }

  @Test func hub() async throws {
    let named = try await asked(stream("hf", "hf://datasets/org/set@v1/data"), ["HF_TOKEN": "T"])
    #expect(named.url.text == "https://huggingface.co/datasets/org/set/resolve/v1/data/train/a%20b.mds")
    #expect(named.headers == [HTTPField("Authorization", "Bearer T", isSecret: true)])
    let revision = stream("hf", "hf://datasets/org/set", with: [("revision", .text("refs/pr/1"))])
    #expect(
      try await asked(revision, ["HF_TOKEN": "T"]).url.path == "/datasets/org/set/resolve/refs%2Fpr%2F1/train/a%20b.mds"
    )
  }

  @Test func everythingWrongIsSaidAtOnce() throws {
    var registry = StreamRegistry()
    try BuiltInKinds.register(in: &registry, transport: Recorder())
    let wrong: [(StreamConfiguration, [String])] = [
      (
        stream(
          "s3", "s3://x",
          with: [("endpoint", .text("nowhere")), ("pathstyle", .bool(true)), ("parallel_ranges", .integer(99))],
          credentials: [("file", .text("relative")), ("systemd", .text("a"))]),
        [
          "names no bucket", "endpoint: must be", "pathstyle: unknown key", "parallel_ranges", "absolute path",
          "one source",
        ]
      ),
      (stream("https", "https://u:p@host/x"), ["remote: must be https://host/path"]),
      (stream("http", "http://host/x"), ["plain http"]),
      (stream("azure", "azure://account"), ["azure://account.blob.core.windows.net/container"]),
      (stream("hf", "hf://models/a/b"), ["hf://datasets/organisation/name"]),
      (stream("hf", "hf://datasets/a"), ["hf://datasets/organisation/name"]),
    ]
    for (configuration, messages) in wrong {
      let problems = try #require(throws: ConfigurationProblems.self) { try registry.source(for: configuration) }
      for message in messages { #expect(problems.description.contains(message), "\(problems)") }
    }
  }

  @Test func aWebServerConformsToTheDoor() async throws {
    let server = try FaultServer(arguments: ["--files", S3Server.dataset])
    let source = try HTTPSource(root: "http://127.0.0.1:\(server.port)/files/0", transport: SessionTransport())
    let findings = await StreamSourceConformance(source).check()
    #expect(findings.isEmpty, "\(findings)")
  }
}
