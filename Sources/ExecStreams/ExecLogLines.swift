/// Cuts what a command prints into lines for the log, bounded in length and number.
struct ExecLogLines: Sendable {
  /// Longest line; the rest of a longer one is left out.
  static let maximumBytes = 4096
  /// Most lines of one run; the number of further ones is logged at its end.
  static let maximumLines = 1000

  private let log: @Sendable (String) -> Void
  private var line: [UInt8] = []
  private var isCut = false
  private var lines = 0

  init(_ log: @escaping @Sendable (String) -> Void) { self.log = log }

  /// Takes what was printed.
  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      take(rest[..<end])
      endLine()
      rest = rest[(end + 1)...]
    }
    take(rest)
  }

  /// The run is over: what stands in an unfinished line is logged, and how much was not.
  mutating func finish() {
    endLine()
    if lines > Self.maximumLines { log("… \(lines - Self.maximumLines) more lines are left out") }
  }

  private mutating func take(_ bytes: Slice<UnsafeRawBufferPointer>) {
    let room = Self.maximumBytes - line.count
    if bytes.count > room { isCut = true }
    line += bytes.prefix(room)
  }

  private mutating func endLine() {
    defer {
      line.removeAll(keepingCapacity: true)
      isCut = false
    }
    guard line.contains(where: { $0 > 0x20 }) else { return }
    lines += 1
    guard lines <= Self.maximumLines else { return }
    // Control characters could write over a terminal's other lines.
    let clean = line.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: " ") : $0 }
    log(String(decoding: clean, as: UTF8.self) + (isCut ? "…" : ""))
  }
}
