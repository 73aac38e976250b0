import LinuxSystem

/// Lines for a person: cut to the terminal's width, coloured where there is one, and free of what others may have put
/// into names and messages to steer a terminal with.
struct Screen {
  /// How a line stands out.
  enum Tone: String {
    case plain, title, good, warning, bad, faint

    fileprivate var code: String? {
      switch self {
      case .plain: nil
      case .title: "1"
      case .good: "32"
      case .warning: "33"
      case .bad: "31"
      case .faint: "2"
      }
    }
  }

  /// nil: not a terminal; lines are as long as they are.
  let terminal: Terminal?
  private let isColoured: Bool
  private var lines: [(text: String, tone: Tone)] = []

  init(_ terminal: Terminal? = .ofStandardOutput) {
    self.terminal = terminal
    isColoured = terminal != nil && (EnvironmentVariable.value("NO_COLOR") ?? "").isEmpty
  }

  mutating func add(_ text: String, _ tone: Tone = .plain) { lines.append((text, tone)) }

  mutating func add(_ texts: [String], _ tone: Tone = .plain) { for text in texts { add(text, tone) } }

  /// Breaks a long text into lines between words, each `indent` in.
  mutating func addWrapped(_ text: String, indent: String = "", _ tone: Tone = .plain) {
    guard let width = terminal.map({ max(20, $0.columns - indent.count) }) else { return add(indent + text, tone) }
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > width {
        add(indent + line, tone)
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
    }
    if !line.isEmpty { add(indent + line, tone) }
  }

  /// The text to print.
  ///
  /// - Parameter fits: leave out the lines that do not fit the terminal's height, and say how many.
  func text(fits: Bool = false) -> String {
    var shown = lines[...]
    if fits, let rows = terminal?.rows, shown.count > rows - 1 {
      let room = max(1, rows - 2)
      shown = lines.prefix(room) + [("… \(lines.count - room) more lines", .faint)]
    }
    return shown.map { line in
      let text = cut(Self.harmless(line.text))
      guard isColoured, let code = line.tone.code else { return text }
      return "\u{1b}[\(code)m\(text)\u{1b}[0m"
    }.joined(separator: "\n")
  }

  private func cut(_ text: String) -> String {
    guard let width = terminal?.columns, text.count > width else { return text }
    return text.prefix(max(1, width - 1)) + "…"
  }

  /// Without control characters.
  static func harmless(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) ? "·" : $0 }))
  }
}

/// Numbers and times as people read them.
enum Words {
  static func duration(_ seconds: Double) -> String {
    let whole = Int(min(max(0, seconds), 1e15))
    if seconds < 10 { return "\((max(0, seconds) * 10).rounded() / 10) s" }
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    if whole < 86_400 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
    return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
  }

  /// 1234567 as 1,234,567.
  static func number(_ value: Int) -> String {
    let digits = String(abs(value))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return value < 0 ? "-\(text)" : text
  }

  static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
    "\(self.number(number)) \(number == 1 ? one : many ?? "\(one)s")"
  }
}
