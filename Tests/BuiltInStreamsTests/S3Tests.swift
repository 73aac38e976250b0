import DatasetModel
import FaultServer
import LinuxSystem
import StreamRegistry
import StreamSourceConformance
import Testing
import Transfer

@testable import BuiltInStreams

/// The kind `s3` against moto's server, which checks signatures.
@Suite(.enabled(if: S3Server.shared != nil, "needs a Python with moto"), .timeLimit(.minutes(2)))
struct S3Tests {
  let server: S3Server
  static let transport = SessionTransport()

  init() throws { server = try #require(S3Server.shared) }

  func source(
    _ remote: String, _ keys: S3Server.Keys?, subdirectories: StreamConfiguration.Subdirectories = .none,
    region: String = "us-east-1"
  ) throws -> any StreamSource {
    var stream = StreamConfiguration(name: "pile", kind: "s3", remote: remote)
    let text = { (text: String) in ConfigurationValue(.text(text), line: 1) }
    stream.with = ConfigurationValue(
      .map(
        ConfigurationMap([
          .init(key: "endpoint", value: text(server.endpoint)), .init(key: "region", value: text(region)),
        ])),
      line: 1)
    let flag = ConfigurationValue(.bool(true), line: 1)
    stream.credentials = ConfigurationValue(
      .map(ConfigurationMap([.init(key: keys == nil ? "anonymous" : "environment", value: flag)])), line: 1)
    stream.subdirectories = subdirectories
    var variables: [String: String] = [:]
    variables["AWS_ACCESS_KEY_ID"] = keys?.accessKey
    variables["AWS_SECRET_ACCESS_KEY"] = keys?.secretKey
    variables["AWS_SESSION_TOKEN"] = keys?.sessionToken
    return try S3Kind.make(stream, transport: Self.transport, spool: IndexSpool()) { [variables] in variables[$0] }
  }

  @Test func filesOfAnyNameArriveWithKeysAndSessions() async throws {
    let expected = [UInt8]((0..<262_144).map { UInt8(truncatingIfNeeded: $0) })
    for keys in [server.user, server.session] {
      let source = try source("s3://streams/pile", keys)
      guard case .documents(let documents, let validator) = try await source.manifest() else {
        Issue.record("no documents")
        return
      }
      #expect(documents.count == 1)
      #expect(validator?.hasPrefix("\"") == true)
      for name in ["shard.00000.mds", "odd name+&é=1.mds"] {
        let staging = try Staging()
        let receipt = try await source.fetch(
          FileRequest(path: name, bytes: expected.count), into: StagingFile(descriptor: staging.file))
        #expect(receipt.bytes == expected.count)
        #expect(try staging.bytes() == expected)
        // The rest after a break, under the same signature rules.
        let resumed = try await source.fetch(
          FileRequest(
            path: name, bytes: expected.count,
            resume: ResumeOffset(bytes: 200_000, validator: try #require(receipt.validator))),
          into: StagingFile(descriptor: staging.file))
        #expect(resumed.moved == 62_144)
      }
    }
  }

  @Test func conformsToTheDoor() async throws {
    let findings = await StreamSourceConformance(try source("s3://streams/dataset", server.user)).check()
    #expect(findings.isEmpty, "\(findings)")
  }

  @Test func indexesAreFoundByListing() async throws {
    let source = try source("s3://streams/parts", server.user, subdirectories: .discover)
    guard case .documents(let documents, _) = try await source.manifest() else {
      Issue.record("no documents")
      return
    }
    #expect(documents.map(\.subdirectory) == ["a b", "c/d"])
  }

  @Test func refusalsAreToldApart() async throws {
    let wrong = S3Server.Keys.wrong(server.user)
    let attempts: [(any StreamSource, String, StreamSourceError.Code)] = [
      (try source("s3://streams/pile", server.user), "absent", .notFound),
      (try source("s3://streams/pile", wrong), "shard.00000.mds", .refused),
      (try source("s3://streams/pile", nil), "shard.00000.mds", .refused),
    ]
    for (source, path, code) in attempts {
      let error = try await #require(throws: StreamSourceError.self) {
        try await source.fetch(
          FileRequest(path: path, bytes: 262_144), into: StagingFile(descriptor: try .memoryFile("x")))
      }
      #expect(error.code == code, "\(error)")
      #expect(!error.message.contains(wrong.secretKey))
    }
  }
}

extension S3Server.Keys {
  /// The same user with another secret.
  static func wrong(_ keys: S3Server.Keys) -> S3Server.Keys {
    S3Server.Keys(accessKey: keys.accessKey, secretKey: "wrongwrongwrong")
  }
}
