import Codecs
import FaultServer
import Testing

@testable import Transfer

struct HTTPValueTests {
  @Test func dates() {
    #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
    #expect(HTTPDate.parseISO("2013-05-24T00:00:00Z") == 1_369_353_600)
    #expect(HTTPDate.parseISO("2013-05-24T00:00:00.123456+00:00") == 1_369_353_600)
    #expect(HTTPDate.basicISO(1_440_938_160) == "20150830T123600Z")
    #expect(HTTPDate.imf(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    for bad in ["", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 28:49:37 GMT"]
    {
      #expect(HTTPDate.parse(bad) == nil)
    }
    for day in stride(from: 0, to: 60_000 * 86_400, by: 7 * 86_400 + 4321) {
      #expect(HTTPDate.parse(HTTPDate.imf(day)) == day)
    }
  }

  @Test func contentRanges() {
    #expect(ContentRange("bytes 0-9/10")?.range == 0..<10)
    #expect(ContentRange("bytes 5-9/*")?.total == nil)
    for bad in ["bytes 9-5/10", "bytes 0-9/9", "bytes */10", "items 0-9/10", "bytes 0-9", "bytes -9/10", ""] {
      #expect(ContentRange(bad) == nil)
    }
  }

  @Test func retryAfter() {
    #expect(ResponseCheck.retryAfter("120", now: 0) == 120)
    #expect(ResponseCheck.retryAfter("Sun, 06 Nov 1994 08:49:37 GMT", now: 784_111_700) == 77)
    #expect(ResponseCheck.retryAfter("Sun, 06 Nov 1994 08:49:37 GMT", now: 900_000_000) == 0)
    #expect(ResponseCheck.retryAfter("99999999", now: 0) == 86_400)
    #expect(ResponseCheck.retryAfter("soon", now: 0) == nil)
  }

  @Test(arguments: [301, 307, 400, 403])
  func bucketsElsewhereSayWhere(status: Int) throws {
    let head = ResponseHead(
      status: status, headers: ["x-amz-bucket-region": "eu-west-1", "location": "https://elsewhere.example/"])
    let request = TransferRequest(url: try url("https://b.s3.amazonaws.com/x"), extent: .whole(1))
    guard case .failure(let failure) = ResponseCheck.judge(head, for: request, now: 0) else {
      Issue.record("not a failure")
      return
    }
    #expect(failure.region == "eu-west-1")
  }

  @Test func urls() throws {
    let address = try url("HTTPS://Example.COM:8443/a%20b?x=1#frag")
    #expect(address.text == "https://example.com:8443/a%20b?x=1")
    #expect(address.textWithoutQuery == "https://example.com:8443/a%20b")
    #expect(address.appending("c d/é").text == "https://example.com:8443/a%20b/c%20d/%C3%A9?x=1")
    #expect(try url("https://[::1]:99/").isLoopback)
    #expect(try url("http://127.0.0.1").isLoopback)
    #expect(try !url("http://127.0.0.1.evil.example").isLoopback)
    for bad in ["", "x", "https:/x", "https://u:p@h/", "https://h:0/", "https://h:65536/", "https://h/a b", "://h"] {
      #expect(RequestURL(bad) == nil, "\(bad)")
    }
  }

  @Test func messagesSurviveTheSocket() throws {
    var request = TransferRequest(
      url: try url("https://h/p?q=1"), headers: [HTTPField("A", "é", isSecret: true)],
      extent: .exactly(range: 3..<9, total: 10), validator: "\"v\"")
    request.limits = TransferLimits(idleSeconds: 0.25, minimumBytesPerSecond: 0, deadlineSeconds: 9)
    let orders = [
      FetcherOrder.start(id: 7, request),
      .start(id: 0, TransferRequest(url: try url("http://h/"), extent: .atMost(5), allowsPlainHTTP: true)),
      .start(id: 1, TransferRequest(url: try url("http://h/"), extent: .whole(5), digest: .sha3Bits256)),
      .begin(connectionsPerHost: 7),
      .cancel(id: 9),
    ]
    for order in orders { #expect(try FetcherOrder(decoding: order.encoded()) == order) }
    var failure = TransferFailure(.refused, .credentials, "no", status: 403, retryAfterSeconds: 1.5)
    failure.region = "eu-west-1"
    failure.writtenEnd = 4
    failure.validator = "\"x\""
    let reports: [FetcherReport] = [
      .ready(version: 1), .progress([.init(id: 1, bytes: 2)]), .failed(id: 3, failure),
      .received(id: 4, TransferReceipt(end: 5, moved: 6, validator: nil, lastModified: "x")),
      .received(id: 5, TransferReceipt(end: 5, moved: 6, digest: "00ff")),
    ]
    for report in reports { #expect(try FetcherReport(decoding: report.encoded()) == report) }
  }

  @Test func damagedMessagesAreRefusedNotTrusted() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("message seed \(seed)")
    var random = SplitMix(seed)
    let whole = FetcherReport.failed(id: 3, TransferFailure(.refused, .credentials, "no", status: 403)).encoded()
    for length in 0..<whole.count {
      #expect(throws: MalformedMessage.self) { try FetcherReport(decoding: Array(whole.prefix(length))) }
    }
    #expect(throws: MalformedMessage.self) { try FetcherReport(decoding: whole + [0]) }
    for _ in 0..<20_000 {
      var bytes = whole
      for _ in 0...(random.next() % 4) { bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(random.next() & 255) }
      do throws(MalformedMessage) { _ = try FetcherReport(decoding: bytes) } catch {}
      do throws(MalformedMessage) { _ = try FetcherOrder(decoding: bytes) } catch {}
    }
  }
}
