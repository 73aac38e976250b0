/// The `Content-Range` of a 206 answer. Source: RFC 9110 §14.4.
struct ContentRange: Equatable {
  /// Half-open.
  let range: Range<Int>
  /// nil for "*".
  let total: Int?

  /// Parses `bytes first-last/total`; nil for anything else, an empty or reversed range, or a range past the total.
  init?(_ text: String) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: true)
    guard parts.count == 2, parts[0].lowercased() == "bytes" else { return nil }
    let halves = parts[1].split(separator: "/", omittingEmptySubsequences: false)
    guard halves.count == 2 else { return nil }
    let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]), first <= last,
      last < Int.max
    else { return nil }
    range = first..<(last + 1)
    if halves[1] == "*" {
      total = nil
    } else {
      guard let number = Self.number(halves[1]), number > last else { return nil }
      total = number
    }
  }

  static func number(_ text: some StringProtocol) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy(RequestURL.isDigit) else { return nil }
    return Int(text)
  }
}
