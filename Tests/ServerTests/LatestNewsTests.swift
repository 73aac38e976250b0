import LinuxSystem
import Testing

@testable import Server

@Suite struct LatestNewsTests {
  @Test func theLastValueIsNeverPassedOver() async throws {
    for count in [1, 2, 50] {
      let news = LatestNews<Int>()
      let (results, result) = AsyncStream.makeStream(of: [Int].self)
      try BlockingThread.start("news") {
        var seen: [Int] = []
        while let value = news.next() { seen.append(value) }
        result.yield(seen)
        result.finish()
      }
      for value in 1...count { news.put(value) }
      news.finish()
      let values = await results.reduce(into: []) { $0 += $1 }
      #expect(values.last == count)
      #expect(values == values.sorted())
      #expect(Set(values).count == values.count)
    }
  }

  @Test func thereMayBeNoneAtAll() {
    let news = LatestNews<Int>()
    news.finish()
    #expect(news.next() == nil)
  }
}
