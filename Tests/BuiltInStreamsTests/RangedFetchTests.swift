import FaultServer
import LinuxSystem
import StreamRegistry
import Testing
import Transfer

@testable import BuiltInStreams

@Suite(.timeLimit(.minutes(2)))
struct RangedFetchTests {
  static let length = 40 << 20
  static let transport = SessionTransport()

  func fetch(_ fault: String, query: String = "", parts: Int) async throws -> (FetchReceipt, Staging) {
    let server = try FaultServer.shared.get()
    let root = server.url(fault, Self.length, query: query)
    let source = try HTTPSource(root: root, transport: Self.transport, ranges: RangeAdvisor(parts: parts))
    let staging = try Staging()
    let receipt = try await source.fetch(
      FileRequest(path: "file", bytes: Self.length), into: StagingFile(descriptor: staging.file))
    return (receipt, staging)
  }

  @Test func rangesMakeUpTheFile() async throws {
    let (receipt, staging) = try await fetch("good", parts: 5)
    #expect(receipt.bytes == Self.length)
    #expect(receipt.moved == Self.length)
    #expect(receipt.validator == "\"v1\"")
    #expect(try staging.bytes() == faultBody(Self.length))
  }

  @Test func serversWithoutRangesAreAskedForTheWhole() async throws {
    let (receipt, staging) = try await fetch("noranges", parts: 4)
    #expect(receipt.bytes == Self.length)
    #expect(try staging.bytes() == faultBody(Self.length))
  }

  @Test func extentsAreSplitWithoutGaps() {
    for (start, end, count) in [(0, 100, 4), (0, 64 << 20, 4), (5, 40 << 20, 16), (12_345_678, 99_999_999, 7)] {
      let parts = RemoteSource.split(.exactly(range: start..<end, total: end), into: count, total: end)
      #expect(parts.count <= count)
      #expect(parts.first?.start == start && parts.last?.end == end)
      for (left, right) in zip(parts, parts.dropFirst()) { #expect(left.end == right.start) }
    }
  }
}
