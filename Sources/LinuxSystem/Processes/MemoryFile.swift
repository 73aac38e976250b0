internal import CLinux

extension OwnedDescriptor {
  /// A new, empty file in memory, gone when its last descriptor is closed; `name` shows up in /proc only.
  public static func memoryFile(_ name: String) throws(SystemError) -> OwnedDescriptor {
    OwnedDescriptor(adopting: try systemCall("memfd_create", name) { sluice_memory_file(name) })
  }

  /// Reads the first `count` bytes of a file in memory and frees them there piece by piece, so that at no time both copies
  /// lie in memory whole; fewer come back where the file ends.
  public func takeBytes(count: Int) throws(SystemError) -> [UInt8] {
    let pieceBytes = 4 << 20
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      let room = UnsafeMutableRawBufferPointer(buffer)
      do throws(SystemError) {
        while filled < count {
          let start = filled
          let piece = UnsafeMutableRawBufferPointer(rebasing: room[start..<min(count, start + pieceBytes)])
          let read = try read(into: piece, at: start)
          if read == 0 { break }
          try systemCall("fallocate", "descriptor \(raw)") { sluice_free(raw, start, read) }
          filled += read
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }
}
