/// A plan as the reference's tensor: little-endian int64 in C order over `PlanShape`, −1 where a place is vacant.
extension EpochPlan {
  /// Calls `body` with the whole tensor, some thousand entries at a time, in order.
  ///
  /// The plan must be whole. This is the only place where padding becomes −1.
  public func forEachTensorChunk<Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    precondition(isWhole, "only a whole plan has a tensor; this one holds ranks \(ranks)")
    let size = shape.batchSize
    var chunk: [Int64] = []
    let capacity = 1 << 15
    chunk.reserveCapacity(capacity + size)
    for rank in 0..<shape.ranks {
      for worker in 0..<shape.workersPerRank {
        for batch in 0..<shape.batchesPerWorker {
          append(rank: rank, batch: batch * shape.workersPerRank + worker, to: &chunk)
          if chunk.count >= capacity {
            try Self.emit(&chunk, body)
          }
        }
      }
    }
    if !chunk.isEmpty { try Self.emit(&chunk, body) }
  }

  /// The first `count` entries of the tensor.
  public func tensorHead(_ count: Int) -> [Int] {
    var head: [Int] = []
    for rank in ranks {
      for worker in 0..<shape.workersPerRank {
        for batch in 0..<shape.batchesPerWorker {
          if head.count >= count { return Array(head.prefix(count)) }
          var entries: [Int64] = []
          append(rank: rank, batch: batch * shape.workersPerRank + worker, to: &entries)
          head.append(contentsOf: entries.map { Int($0) })
        }
      }
    }
    return Array(head.prefix(count))
  }

  private func append(rank: Int, batch: Int, to chunk: inout [Int64]) {
    let first = batch * shape.batchSize
    let written = storage.withIDs(rank, first..<first + shape.batchSize) { ids in
      for place in 0..<ids.count { chunk.append(Int64(ids[place] ?? -1)) }
      return ids.count
    }
    chunk.append(contentsOf: repeatElement(-1, count: shape.batchSize - written))
  }

  private static func emit<Failure: Error>(
    _ chunk: inout [Int64], _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    for index in chunk.indices { chunk[index] = chunk[index].littleEndian }
    // A typed error cannot pass through the closure; it waits outside.
    let result = chunk.withUnsafeBytes { bytes -> Result<Void, Failure> in
      do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    try result.get()
    chunk.removeAll(keepingCapacity: true)
  }
}
