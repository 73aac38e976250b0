import LinuxSystem

/// Cuts a text file into blocks that end with a row.
struct LineBlocks: Sendable {
  /// Bytes with their first line's number (from 1).
  struct Block: Sendable {
    let bytes: [UInt8]
    let firstLine: Int
  }

  let path: String
  let totalBytes: Int
  /// A character between two of which line ends do not count: the quote of CSV.
  private let quote: UInt8?
  private let file: OwnedDescriptor
  private var position = 0
  private var line = 1
  private var rest: [UInt8] = []

  init(path: String, quote: UInt8? = nil) throws(PackError) {
    self.path = path
    self.quote = quote
    do throws(SystemError) {
      file = try OwnedDescriptor.openingToRead(path)
      totalBytes = try file.size()
    } catch { throw PackError(.system, error.description) }
    // Some editors put a mark in front that means "UTF-8" and is no part of the text.
    let mark = try read(3)
    if mark == [0xef, 0xbb, 0xbf] { position = 3 }
  }

  private func read(_ count: Int) throws(PackError) -> [UInt8] {
    do throws(SystemError) {
      return try file.read(count: count, at: position)
    } catch { throw PackError(.system, "\(path): \(error)") }
  }

  /// The next block; nil at the end. The last line may lack its end.
  mutating func next() throws(PackError) -> Block? {
    var block = rest
    rest = []
    var end: Int?
    while true {
      let part = try read(RowLimits.batchBytes)
      position += part.count
      block += part
      if part.isEmpty { break }
      end = lastRowEnd(in: block)
      if end != nil { break }
      guard block.count <= RowLimits.rowBytes else {
        throw PackError(.limit, "\(path), line \(line): longer than the \(RowLimits.rowBytes) bytes a row may have")
      }
    }
    if block.isEmpty { return nil }
    if let end {
      rest = Array(block[end...])
      block.removeSubrange(end...)
    }
    defer { line += block.count { $0 == UInt8(ascii: "\n") } }
    return Block(bytes: block, firstLine: line)
  }

  /// Just after the last line end that ends a row.
  private func lastRowEnd(in block: [UInt8]) -> Int? {
    guard let quote else { return block.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } }
    var end: Int?
    var isQuoted = false
    for position in block.indices {
      if block[position] == quote { isQuoted.toggle() }
      if block[position] == UInt8(ascii: "\n"), !isQuoted { end = position + 1 }
    }
    return end
  }
}
