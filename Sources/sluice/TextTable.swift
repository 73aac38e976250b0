/// Columns of text, as wide as they need to be.
struct TextTable {
  private var rows: [[String]] = []
  private let rightAligned: Set<Int>
  /// Longer cells lose their middle; the last column is left to the screen's edge.
  private let widest: Int

  /// - Parameters:
  ///   - rightAligned: columns of numbers.
  ///   - columns: of the terminal; nil for none.
  init(_ header: [String], rightAligned: Set<Int> = [], columns: Int? = nil) {
    rows = [header]
    self.rightAligned = rightAligned
    widest = columns.map { $0 < 100 ? 16 : $0 < 140 ? 24 : 40 } ?? Int.max
  }

  mutating func add(_ row: [String]) {
    rows.append(row.enumerated().map { $0 < row.count - 1 ? shortened($1) : $1 })
  }

  var isEmpty: Bool { rows.count == 1 }

  /// The table's lines.
  var lines: [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for (column, text) in row.enumerated() {
        let space = String(repeating: " ", count: widths[column] - text.count)
        line += rightAligned.contains(column) ? space + text : text + space
        line += "  "
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }

  private func shortened(_ text: String) -> String {
    guard text.count > widest else { return text }
    let tail = (widest - 1) / 2
    return text.prefix(widest - 1 - tail) + "…" + text.suffix(tail)
  }
}
