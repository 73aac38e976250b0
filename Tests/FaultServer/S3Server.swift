import Foundation

/// moto's S3 server with signatures checked; nil, with the reason printed, where there is no Python with moto.
public final class S3Server: Sendable {
  public struct Keys: Sendable, Decodable {
    public let accessKey: String
    public let secretKey: String
    public let sessionToken: String?

    public init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
      self.accessKey = accessKey
      self.secretKey = secretKey
      self.sessionToken = sessionToken
    }

    private enum CodingKeys: String, CodingKey {
      case accessKey = "AccessKeyId"
      case secretKey = "SecretAccessKey"
      case sessionToken = "SessionToken"
    }
  }

  private struct Greeting: Decodable {
    let port: Int
    let user: Keys
    let session: Keys
  }

  public static let shared: S3Server? = {
    do { return try S3Server() } catch {
      print("skipping the S3 tests: \(error)")
      return nil
    }
  }()

  public let endpoint: String
  public let user: Keys
  public let session: Keys
  private let server: PythonServer

  /// $SLUICE_TEST_PYTHON, or the repository's own environment.
  public static var python: String {
    ProcessInfo.processInfo.environment["SLUICE_TEST_PYTHON"]
      ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(".venv/bin/python3").path
  }

  /// A small dataset of the fixtures.
  public static let dataset = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/datasets/mds_plain").path

  private init() throws {
    do {
      server = try PythonServer("s3_server.py", arguments: [Self.dataset], python: Self.python)
    } catch {
      throw Unavailable(reason: "\(Self.python) has no moto, or it does not start (scripts/setup makes .venv)")
    }
    let greeting = try JSONDecoder().decode(Greeting.self, from: Data(server.greeting.utf8))
    endpoint = "http://127.0.0.1:\(greeting.port)"
    (user, session) = (greeting.user, greeting.session)
  }

  private struct Unavailable: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
  }
}
