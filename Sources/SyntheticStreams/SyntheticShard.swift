/// One shard's bytes, made up from the seed; any part of them can be made on its own.
struct SyntheticShard: Sendable {
  let settings: SyntheticSettings
  let index: Int

  /// Bytes of sample `position` of the stream.
  func sampleBytes(_ position: Int) -> Int {
    let range = settings.sampleBytes
    if range.lowerBound == range.upperBound { return range.lowerBound }
    let numbers = SyntheticNumbers(seed: settings.seed, sample: position, column: -1)
    return range.lowerBound + numbers.number(below: range.count)
  }

  /// Positions of its samples in the stream.
  var positions: Range<Int> {
    index * settings.samplesPerShard..<(index + 1) * settings.samplesPerShard
  }

  private var head: MDSHead { MDSHead(samples: settings.samplesPerShard, columns: settings.columns) }

  /// Bytes of the whole file.
  var bytes: Int {
    let range = settings.sampleBytes
    if range.lowerBound == range.upperBound { return head.bytes.count + positions.count * range.lowerBound }
    return positions.reduce(head.bytes.count) { $0 + sampleBytes($1) }
  }

  /// Hands out the file's bytes from byte `start` on, in pieces of about `pieceBytes`, until `give` answers false.
  func write<Failure: Error>(
    from start: Int, pieceBytes: Int = 1 << 20,
    _ give: (UnsafeRawBufferPointer, _ offset: Int) throws(Failure) -> Bool
  ) throws(Failure) {
    let head = headBytes()
    let capacity = max(pieceBytes, settings.sampleBytes.upperBound, head.count)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
    defer { buffer.deallocate() }
    var offset = 0
    var filled = 0
    /// Gives away what is filled, the part before `start` apart; false to stop.
    func flush() throws(Failure) -> Bool {
      let skipped = min(filled, max(0, start - offset))
      let piece = UnsafeRawBufferPointer(rebasing: buffer[skipped..<filled])
      let place = offset + skipped
      offset += filled
      filled = 0
      if piece.isEmpty { return true }
      return try give(piece, place)
    }
    buffer.copyBytes(from: head)
    filled = head.count
    for position in positions {
      let count = sampleBytes(position)
      if filled + count > capacity {
        guard try flush() else { return }
      }
      if offset + filled + count > start {
        makeSample(position, UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<(filled + count)]))
      }
      filled += count
    }
    _ = try flush()
  }

  private func headBytes() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(head.bytes.count)
    func append(_ number: Int) {
      withUnsafeBytes(of: UInt32(truncatingIfNeeded: number).littleEndian) { bytes += $0 }
    }
    append(positions.count)
    var offset = head.bytes.count
    append(offset)
    for position in positions {
      offset += sampleBytes(position)
      append(offset)
    }
    return bytes + head.settings
  }

  /// A sample: the lengths of its columns of varying size, then every column's value.
  private func makeSample(_ position: Int, _ sample: UnsafeMutableRawBufferPointer) {
    let columns = settings.columns
    let varying = columns.count { $0.size == nil }
    // What the fixed columns leave is shared evenly; the first columns take the remainder.
    let free = sample.count - settings.fixedBytes
    var place = 4 * varying
    var nextVarying = 0
    for (number, column) in columns.enumerated() {
      var count = column.size ?? 0
      if column.size == nil {
        count = free / varying + (nextVarying < free % varying ? 1 : 0)
        sample.storeBytes(of: UInt32(count).littleEndian, toByteOffset: 4 * nextVarying, as: UInt32.self)
        nextVarying += 1
      }
      SyntheticNumbers(seed: settings.seed, sample: position, column: number).fill(
        UnsafeMutableRawBufferPointer(rebasing: sample[place..<(place + count)]), with: column.content,
        position: position)
      place += count
    }
  }
}
