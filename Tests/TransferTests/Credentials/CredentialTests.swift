import FaultServer
import Foundation
import Testing

@testable import Transfer

@Suite(.timeLimit(.minutes(1)))
final class CredentialTests {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-keys-\(UUID().uuidString)").path

  init() throws { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) }
  deinit { do { try FileManager.default.removeItem(atPath: directory) } catch {} }

  func write(_ name: String, _ text: String) throws -> String {
    let path = "\(directory)/\(name)"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  func keys(_ source: CredentialSource, _ environment: [String: String] = [:]) async throws -> Secrets? {
    try await source.load { environment[$0] }
  }

  @Test(arguments: [
    #"{"AccessKeyId": "AK", "SecretAccessKey": "SK", "SessionToken": "ST", "Expiration": "2026-11-23T05:48:49Z"}"#,
    #"{"access_key_id": "AK", "secret_access_key": "SK", "session_token": "ST", "expires_at": 1795412929}"#,
    "aws_access_key_id = AK\naws_secret_access_key=SK\naws_session_token = ST\nexpiration = 2026-11-23T05:48:49Z\n",
    "# a comment\n[other]\naws_access_key_id = no\n[default]\naws_access_key_id=AK\naws_secret_access_key=SK\n"
      + "aws_session_token=ST\nexpiration=2026-11-23T05:48:49Z\n",
  ])
  func filesOfEveryForm(text: String) async throws {
    let secrets = try #require(try await keys(.file(try write("keys", text))))
    #expect(secrets.accessKeys == AccessKeys(accessKey: "AK", secretKey: "SK", sessionToken: "ST"))
    #expect(secrets.expires == 1_795_412_929)
  }

  @Test func loneTokens() async throws {
    let secrets = try #require(try await keys(.file(try write("token", "hf_abc\n"))))
    #expect(secrets[.token] == "hf_abc")
    let signature = try #require(try await keys(.file(try write("sas", "?sv=2021&sig=x%3D"))))
    #expect(signature[.sharedAccessSignature] == "?sv=2021&sig=x%3D")
  }

  @Test func theEnvironmentAndSystemd() async throws {
    let names: [Secrets.Field: [String]] = [.accessKey: ["A"], .secretKey: ["B", "C"]]
    #expect(try await keys(.environment(names)) == nil)
    #expect(try await keys(.environment(names), ["A": "1", "C": "2"])?.accessKeys?.secretKey == "2")
    _ = try write("minio", #"{"access_key_id": "1", "secret_access_key": "2"}"#)
    #expect(try await keys(.systemd("minio"), ["CREDENTIALS_DIRECTORY": directory])?.accessKeys?.accessKey == "1")
    await #expect(throws: CredentialError.self) { try await keys(.systemd("minio")) }
  }

  @Test func amazonsFiles() async throws {
    let environment = [
      "AWS_CONFIG_FILE": try write(
        "config",
        "[default]\nregion = eu-west-1\n[profile training]\nregion=us-west-2\n[profile process]\n"
          + "credential_process = /bin/sh -c \"echo '{\\\"AccessKeyId\\\":\\\"P\\\",\\\"SecretAccessKey\\\":\\\"Q\\\"}'\"\n"
      ),
      "AWS_SHARED_CREDENTIALS_FILE": try write(
        "credentials", "[training]\naws_access_key_id = T\naws_secret_access_key = U\n"),
    ]
    #expect(try await keys(.awsProfile(nil), environment) == nil)
    #expect(try await keys(.awsProfile("training"), environment)?.accessKeys?.accessKey == "T")
    #expect(AWSFiles { environment[$0] }.region("training") == "us-west-2")
    #expect(AWSFiles { environment[$0] }.region(nil) == "eu-west-1")
    await #expect(throws: CredentialError.self) { try await keys(.awsProfile("absent"), environment) }
  }

  @Test func commands() async throws {
    let print = #"echo '{"AccessKeyId": "A", "SecretAccessKey": "B"}'"#
    #expect(try await keys(.command(["/bin/sh", "-c", print]))?.accessKeys?.accessKey == "A")
    for (words, says) in [
      (["/bin/sh", "-c", "echo SECRET; exit 3"], "status 3"), (["/nonexistent"], "cannot run"),
      (["/bin/sh", "-c", "echo '{\"SECRET\": '"], "no JSON"), (["sh"], "absolute"),
      (["/bin/sh", "-c", "head -c 200000 /dev/zero"], "at most"),
    ] {
      let error = try await #require(throws: CredentialError.self) { try await keys(.command(words)) }
      #expect(error.message.contains(says), "\(error)")
      #expect(!error.message.contains("SECRET"))
    }
    let slow = await CredentialCommand.output(of: ["/bin/sleep", "20"], seconds: 1)
    guard case .failure(let error) = slow else {
      Issue.record("it did not end")
      return
    }
    #expect(error.message.contains("not done after 1 s"))
  }

  @Test func missingFilesAndWrongForms() async throws {
    for (source, says) in [
      (CredentialSource.file("\(directory)/absent"), "not there"),
      (.file(try write("empty", " \n")), "empty"),
      (.file(try write("service", #"{"type": "service_account", "private_key": "SECRET"}"#)), "service account"),
      (.file(try write("other", #"{"user": "SECRET"}"#)), "none of the keys"),
      (.file(try write("long", String(repeating: "x", count: 70_000))), "longer"),
    ] {
      let error = try await #require(throws: CredentialError.self) { try await keys(source) }
      #expect(error.message.contains(says), "\(error)")
      #expect(!error.message.contains("SECRET"))
    }
  }

  @Test func secretsAreRenewedBeforeTheyExpireAndWhenRefused() async throws {
    let time = Counter()
    time.add(1_795_412_000)
    let counter = "\(directory)/count"
    let script =
      "n=$(cat \(counter) 2>/dev/null || echo 0); echo $((n+1)) > \(counter); "
      + #"echo "{\"AccessKeyId\":\"key$n\",\"SecretAccessKey\":\"s\",\"Expiration\":\"2026-11-23T06:48:49Z\"}""#
    let store = CredentialStore(
      [.command(["/bin/sh", "-c", script])], remedy: "none", now: { Double(time.value) }, environment: { _ in nil })
    let first = try await withThrowingTaskGroup(of: Secrets.self) { group in
      for _ in 0..<20 { group.addTask { try await store.secrets() } }
      return try await group.reduce(into: Set<Secrets>()) { $0.insert($1) }
    }
    #expect(first.count == 1)
    #expect(first.first?.accessKeys?.accessKey == "key0")
    #expect(!store.refused())  // Brand new: asking again would change nothing.
    time.add(31)
    #expect(store.refused())
    #expect(try await store.secrets().accessKeys?.accessKey == "key1")
    time.add(4300)  // Within five minutes of the expiry.
    #expect(try await store.secrets().accessKeys?.accessKey == "key2")
    time.add(1000)
    await #expect(throws: CredentialError.self) { try await store.secrets() }
  }

  @Test func nothingOfASecretIsShown() {
    let secrets = Secrets([.token: "TOPSECRET", .secretKey: "TOPSECRET"])
    var shown = "\(secrets) \(String(reflecting: secrets))"
    dump(secrets, to: &shown)
    #expect(!shown.contains("TOPSECRET"))
  }
}
