import Glibc

extension OwnedDescriptor {
  /// Reads into `buffer` from byte `offset` until it is full or the file ends; answers the number of bytes read.
  public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    var done = 0
    while done < buffer.count {
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = try systemCall("pread", "descriptor \(raw)") {
        pread(raw, part.baseAddress, part.count, offset + done)
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Reads `count` bytes from byte `offset`; fewer come back only where the file ends.
  public func read(count: Int, at offset: Int) throws(SystemError) -> [UInt8] {
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(SystemError) {
        filled = try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Writes all of `bytes` at byte `offset`.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
    var done = 0
    while done < bytes.count {
      let part = UnsafeRawBufferPointer(rebasing: bytes[done...])
      done += try systemCall("pwrite", "descriptor \(raw)") { pwrite(raw, part.baseAddress, part.count, offset + done) }
    }
  }

  /// Length of the open file in bytes.
  public func size() throws(SystemError) -> Int {
    var status = stat()
    try systemCall("fstat", "descriptor \(raw)") { fstat(raw, &status) }
    return Int(status.st_size)
  }
}
