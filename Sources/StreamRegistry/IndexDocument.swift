import LinuxSystem

/// One index.json, in memory or in a file: that of a million shards has 400 MB, which nobody needs to hold whole.
public struct IndexDocument: Sendable {
  private enum Content {
    case memory([UInt8])
    case file(OwnedDescriptor)
  }

  /// Path below the stream's root that every basename in the document is relative to; "" for the root.
  public let subdirectory: String
  /// Its length in bytes.
  public let count: Int
  private let content: Content

  public init(subdirectory: String = "", bytes: [UInt8]) {
    self.subdirectory = subdirectory
    count = bytes.count
    content = .memory(bytes)
  }

  /// A document that stays where it lies and is read piece by piece, several times if need be.
  ///
  /// - Parameters:
  ///   - file: open for reading. Somebody may write to it or cut it short at any time: it is never mapped.
  ///   - count: how much of it is the document.
  public init(subdirectory: String = "", file: OwnedDescriptor, count: Int) {
    self.subdirectory = subdirectory
    self.count = count
    content = .file(file)
  }

  /// Fills `buffer` from byte `offset` of the document; answers fewer bytes only at the document's end, or where a file
  /// has become shorter than it was.
  public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    let wanted = min(buffer.count, count - offset)
    guard wanted > 0 else { return 0 }
    switch content {
    case .memory(let bytes):
      bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + wanted])) }
      return wanted
    case .file(let file):
      return try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), at: offset)
    }
  }

  /// Reads the document front to back, a buffer at a time: what a parser of pieces wants. Each reader begins anew.
  public func reader() -> (UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
    var offset = 0
    return { (buffer) throws(SystemError) in
      let read = try read(into: buffer, at: offset)
      offset += read
      return read
    }
  }

  /// All of it, for a document that is known to be small.
  public func allBytes() throws(SystemError) -> [UInt8] {
    switch content {
    case .memory(let bytes): return bytes
    case .file(let file): return try file.read(count: count, at: 0)
    }
  }
}
