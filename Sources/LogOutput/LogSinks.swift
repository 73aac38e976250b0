import LinuxSystem
import Logging

/// Lines for a person at a terminal or a plain file: time, level, message, then the fields.
public struct TextLogSink: LogSink {
  private let colored: Bool

  public init(colored: Bool = StandardError.isTerminal) { self.colored = colored }

  public func write(_ record: LogRecord) {
    StandardError.write(line: line(record))
  }

  /// The line a record becomes.
  public func line(_ record: LogRecord) -> String {
    let level = record.level.rawValue.uppercased()
    let shown = colored ? "\(color(record.level))\(level)\u{1b}[0m" : level
    var line = "\(WallClock.iso8601(record.time)) \(shown) \(singleLine(record.message))"
    for (name, value) in record.fields {
      let plain = !value.isEmpty && value.allSatisfy { !$0.isWhitespace && $0 != "\"" && $0 != "=" }
      line += plain ? " \(name)=\(value)" : " \(name)=\(JSONText.quoted(value))"
    }
    return line
  }

  private func singleLine(_ text: String) -> String {
    text.contains(where: \.isNewline) ? text.split(whereSeparator: \.isNewline).joined(separator: " ⏎ ") : text
  }

  private func color(_ level: Logger.Level) -> String {
    switch level {
    case .trace, .debug: "\u{1b}[2m"
    case .info: "\u{1b}[32m"
    case .notice: "\u{1b}[36m"
    case .warning: "\u{1b}[33m"
    case .error, .critical: "\u{1b}[31m"
    }
  }
}

/// One JSON object a line.
public struct JSONLogSink: LogSink {
  public init() {}

  public func write(_ record: LogRecord) {
    StandardError.write(line: line(record))
  }

  /// The line a record becomes.
  public func line(_ record: LogRecord) -> String {
    var members = [
      ("time", WallClock.iso8601(record.time)), ("level", record.level.rawValue), ("message", record.message),
    ]
    members += record.fields.map { ($0.name, $0.value) }
    return "{" + members.map { "\(JSONText.quoted($0.0)):\(JSONText.quoted($0.1))" }.joined(separator: ",") + "}"
  }
}

/// journald's native fields: MESSAGE, PRIORITY and the record's own in upper case with `SLUICE_` before them.
public struct JournalLogSink: LogSink {
  private let socket: JournalSocket

  public init(_ socket: JournalSocket) { self.socket = socket }

  public func write(_ record: LogRecord) {
    let sent = socket.send(fields(record))
    if !sent { StandardError.write(line: TextLogSink(colored: false).line(record)) }
  }

  /// The journal's fields of a record.
  public func fields(_ record: LogRecord) -> [(name: String, value: String)] {
    let own = record.fields.map { (name: "SLUICE_\(fieldName($0.name))", value: $0.value) }
    let shown = record.fields.map { " \($0.name)=\($0.value)" }.joined()
    return [
      (name: "MESSAGE", value: record.message + shown), (name: "PRIORITY", value: "\(priority(record.level))"),
      (name: "SYSLOG_IDENTIFIER", value: "sluiced"),
    ] + own
  }

  private func fieldName(_ name: String) -> String {
    String(name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }.prefix(48))
  }

  private func priority(_ level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }
}

/// JSON's text form, enough of it to write logs.
enum JSONText {
  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      default:
        if scalar.value < 0x20 {
          let digits = String(scalar.value, radix: 16)
          out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    return out + "\""
  }
}
