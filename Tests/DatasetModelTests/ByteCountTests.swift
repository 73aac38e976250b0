import DatasetModel
import Testing

@Suite struct ByteCountTests {
  @Test(arguments: [
    ("0", 0), ("123", 123), ("123b", 123), ("1kb", 1024), ("64mb", 64 << 20), ("1.5 GB", 3 << 29), ("100gb", 100 << 30),
    ("2TB", 2 << 40), (".5kb", 512),
  ])
  func readsMosaicsSpellings(text: String, bytes: Int) {
    #expect(ByteCount.parse(text) == bytes)
  }

  @Test(arguments: [
    "", "b", "-1", "1.5", "1.5b", "1 b", "1e3", "gb", "1..5mb", "99999999999999999999", "9999999eb", "1 k b",
  ])
  func refusesWhatIsNoByteCount(text: String) {
    #expect(ByteCount.parse(text) == nil)
  }

  @Test(arguments: [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536 << 20, "1.5 GiB")])
  func describesForAPerson(bytes: Int, text: String) {
    #expect(ByteCount.describe(bytes) == text)
  }
}
