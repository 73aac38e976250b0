import FaultServer
import Testing

@testable import Transfer

@Suite(.timeLimit(.minutes(1)))
struct RedirectTests {
  private func follow(_ location: String, from origin: String = "https://a.example/dir/file?secret=1")
    throws -> TransferRequest
  {
    let request = TransferRequest(
      url: try url(origin),
      headers: [HTTPField("Authorization", "Bearer x", isSecret: true), HTTPField("Accept", "*/*")], extent: .whole(1))
    return try RedirectRule.follow(location, from: request, hop: 0)
  }

  @Test func credentialsStayWithTheirOrigin() throws {
    #expect(try follow("/other").headers.count == 2)
    #expect(try follow("https://a.example:443/other").headers.count == 2)
    for elsewhere in ["https://b.example/x", "https://a.example:8443/x", "//b.example/x"] {
      #expect(try follow(elsewhere).headers.map(\.name) == ["Accept"])
    }
  }

  @Test func relativeLocationsResolve() throws {
    #expect(try follow("sibling?x=1").url.text == "https://a.example/dir/sibling?x=1")
    #expect(try follow("../up/./x").url.text == "https://a.example/up/x")
    #expect(try follow("/root").url.text == "https://a.example/root")
  }

  @Test(arguments: [
    "http://a.example/file", "ftp://a.example/x", "file:///etc/passwd", "javascript:x", "http://127.0.0.1/x",
  ])
  func badTargetsAreRefused(location: String) {
    #expect(throws: TransferFailure.self) { try follow(location) }
  }

  @Test func plainHTTPStaysOnThisMachine() throws {
    #expect(try follow("http://127.0.0.1:1/x", from: "http://localhost/y").url.host == "127.0.0.1")
    #expect(throws: TransferFailure.self) { try follow("http://b.example/x", from: "http://localhost/y") }
  }

  @Test func redirectsAreFollowedAndSecretsDropped() async throws {
    let server = try FaultServer.shared.get()
    let other = try FaultServer()
    let staging = try Staging()
    let target = other.url("good", 5000)
    let request = TransferRequest(
      url: try url(server.url("redirect", 0, query: "to=\(PercentEncoding.component(target))")),
      headers: [HTTPField("Authorization", "Bearer secret", isSecret: true), HTTPField("X-Plain", "1")],
      extent: .whole(5000))
    let transport = SessionTransport()
    _ = try await transport.perform(request, into: staging.file, progress: { _ in })
    #expect(try staging.bytes() == faultBody(5000))
    let log = try Staging()
    let logURL = try url("http://127.0.0.1:\(other.port)/+log")
    _ = try await transport.perform(
      TransferRequest(url: logURL, extent: .atMost(100_000)), into: log.file, progress: { _ in })
    let text = String(decoding: try log.bytes(), as: UTF8.self)
    #expect(text.contains("x-plain"))
    #expect(!text.contains("authorization"))
  }
}
