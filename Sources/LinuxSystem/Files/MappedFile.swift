import Glibc
import SystemPackage

/// A whole file mapped for reading. The file must not be truncated while this lives: files that are kept this way are
/// only ever replaced by renaming another over them, or unlinked.
public final class MappedFile: Sendable {
  /// Bytes of the file when it was mapped.
  public let count: Int
  private let address: UInt

  /// Maps the file at `path`.
  public convenience init(_ path: String) throws(SystemError) {
    try self.init(OwnedDescriptor.openingToRead(path), called: path)
  }

  /// Maps an open file; the descriptor may be closed afterwards.
  public init(_ file: OwnedDescriptor, called name: String) throws(SystemError) {
    count = try file.size()
    guard count > 0 else {
      address = 0
      return
    }
    let pointer = mmap(nil, count, PROT_READ, MAP_SHARED, file.raw, 0)
    guard let pointer, pointer != MAP_FAILED else { throw SystemError("mmap", name, .init(rawValue: errno)) }
    address = UInt(bitPattern: pointer)
  }

  deinit {
    if count > 0 { munmap(UnsafeMutableRawPointer(bitPattern: address), count) }
  }

  /// Calls `body` with all the bytes, valid during the call.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    body(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count))
  }
}
