import FaultServer
import StreamRegistry
import StreamSourceConformance
import Testing

@testable import BuiltInStreams

/// The kinds `gs`, `azure` and `hf` against servers that check every signature and token by themselves.
@Suite(.timeLimit(.minutes(2)))
struct CloudKindTests {
  let storage: CloudServer
  let blobs: CloudServer
  let hub: CloudServer

  init() throws {
    storage = try CloudServer.cloudStorage.get()
    blobs = try CloudServer.blobStorage.get()
    hub = try CloudServer.hub.get()
  }

  /// Every kind with every sort of credentials that it takes.
  enum Access: String, CaseIterable {
    case cloudStorageKeys, cloudStorageToken, azureKey, azureSignature, azureToken, hub
  }

  func source(
    _ access: Access, _ path: String, subdirectories: StreamConfiguration.Subdirectories = .none
  ) throws -> any StreamSource {
    let account = blobs["account"]
    let (kind, remote, server, environment): (String, String, CloudServer, [String: String]) =
      switch access {
      case .cloudStorageKeys:
        ("gs", "gs://streams", storage, ["GCS_KEY": storage["accessKey"], "GCS_SECRET": storage["secretKey"]])
      case .cloudStorageToken: ("gs", "gs://streams", storage, ["GOOGLE_OAUTH_ACCESS_TOKEN": storage["token"]])
      case .azureKey:
        (
          "azure", "azure://\(account).blob.core.windows.net/streams", blobs,
          ["AZURE_ACCOUNT_NAME": account, "AZURE_ACCOUNT_ACCESS_KEY": blobs["key"]]
        )
      case .azureSignature:
        ("azure", "azure://\(account)/streams", blobs, ["AZURE_STORAGE_SAS_TOKEN": blobs["signature"]])
      case .azureToken: ("azure", "azure://\(account)/streams", blobs, [:])
      case .hub: ("hf", "hf://datasets/team/words@v1", hub, ["HF_TOKEN": hub["token"]])
      }
    let command: [(String, ConfigurationValue.Content)] = [
      (
        "command",
        .list(
          ["/bin/echo", #"{"token": "\#(blobs["token"])"}"#].map { ConfigurationValue(.text($0), line: 1) })
      )
    ]
    return try CloudStreams.source(
      kind, "\(remote)/\(path)", endpoint: server["endpoint"], environment: environment,
      credentials: access == .azureToken ? command : [], subdirectories: subdirectories)
  }

  @Test(arguments: Access.allCases)
  func conformsToTheDoor(access: Access) async throws {
    let findings = await StreamSourceConformance(try source(access, "dataset")).check()
    #expect(findings.isEmpty, "\(findings)")
  }

  @Test(arguments: Access.allCases)
  func filesOfAnyNameArriveWholeAndInParts(access: Access) async throws {
    let source = try source(access, "pile")
    let (name, expected) = (CloudStreams.oddName, CloudStreams.oddBytes)
    let staging = try Staging()
    let whole = try await source.fetch(
      FileRequest(path: name, bytes: expected.count), into: StagingFile(descriptor: staging.file))
    #expect(try staging.bytes() == expected)
    let resume = ResumeOffset(bytes: 200_000, validator: try #require(whole.validator))
    let rest = try await source.fetch(
      FileRequest(path: name, bytes: expected.count, resume: resume), into: StagingFile(descriptor: staging.file))
    #expect(rest.moved == 62_144)
    #expect(try staging.bytes() == expected)
  }

  @Test(arguments: Access.allCases.filter { $0 != .hub })
  func indexesAreFoundByListing(access: Access) async throws {
    // The servers give two names a page, so that listings go on.
    let source = try source(access, "parts", subdirectories: .discover)
    #expect(try await CloudStreams.subdirectories(source) == ["a b", "c/d", "e"])
  }

  @Test func theHubHasItsSubdirectoriesNamed() async throws {
    let source = try source(.hub, "parts", subdirectories: .list(["a b", "e"]))
    #expect(try await CloudStreams.subdirectories(source) == ["a b", "e"])
    let error = try await #require(throws: StreamSourceError.self) {
      try await self.source(.hub, "parts", subdirectories: .discover).manifest()
    }
    #expect(error.code == .permanent && error.message.contains("name the subdirectories"))
  }

  @Test func wrongSecretsAreRefusedAndNotShown() async throws {
    let azure = "azure://\(blobs["account"])/streams/pile"
    let wrong: [(any StreamSource, String)] = [
      (
        try CloudStreams.source(
          "gs", "gs://streams/pile", endpoint: storage["endpoint"],
          environment: ["GCS_KEY": storage["accessKey"], "GCS_SECRET": "WRONGSECRET"]), "signature is another"
      ),
      (
        try CloudStreams.source(
          "gs", "gs://streams/pile", endpoint: storage["endpoint"],
          environment: ["GOOGLE_OAUTH_ACCESS_TOKEN": "WRONGSECRET"]), "token is not accepted"
      ),
      (
        try CloudStreams.source(
          "gs", "gs://streams/pile", endpoint: storage["endpoint"], credentials: [("anonymous", .bool(true))]),
        "anonymous callers"
      ),
      (
        try CloudStreams.source(
          "azure", azure, endpoint: blobs["endpoint"], environment: ["AZURE_ACCOUNT_ACCESS_KEY": "V1JPTkdTRUNSRVQ="]),
        "signature is another"
      ),
      (
        try CloudStreams.source(
          "azure", azure, endpoint: blobs["endpoint"], environment: ["AZURE_STORAGE_SAS_TOKEN": blobs["expired"]]),
        "has expired"
      ),
      (
        try CloudStreams.source(
          "azure", azure, endpoint: blobs["endpoint"],
          environment: ["AZURE_STORAGE_SAS_TOKEN": blobs["signature"] + "WRONGSECRET"]), "signature is another"
      ),
      (
        try CloudStreams.source(
          "hf", "hf://datasets/team/words@v1", endpoint: hub["endpoint"], environment: ["HF_TOKEN": "WRONGSECRET"]), ""
      ),
    ]
    for (source, reason) in wrong {
      let error = try await CloudStreams.refusal(source)
      #expect(error.code == .refused, "\(error)")
      #expect(error.message.contains(reason), "\(error)")
      for secret in ["WRONGSECRET", "V1JPTkdTRUNSRVQ", "sig="] { #expect(!error.message.contains(secret), "\(error)") }
    }
  }

  @Test func aSignatureThatMayNotListSaysSo() async throws {
    let source = try CloudStreams.source(
      "azure", "azure://\(blobs["account"])/streams/parts", endpoint: blobs["endpoint"],
      environment: ["AZURE_STORAGE_SAS_TOKEN": blobs["unlisted"]], subdirectories: .discover)
    let error = try await #require(throws: StreamSourceError.self) { try await source.manifest() }
    #expect(error.code == .refused && error.message.contains("lacks the permission l"), "\(error)")
  }

  @Test(arguments: Access.allCases)
  func whatIsNotThereIsNotFound(access: Access) async throws {
    let error = try await CloudStreams.refusal(try source(access, "pile"), "absent.mds")
    #expect(error.code == .notFound, "\(error)")
  }
}
