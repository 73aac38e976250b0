import DatasetModel

/// Where in a shard's data file each sample's bytes lie: 4 bytes a sample, read from the head of an MDS file or from the
/// meta file of a split format (formats.md §2, §5).
///
/// Nothing in it is believed before it has been checked: when a table exists, its ranges are in order, not empty and
/// inside the data file.
public struct SampleTable: Sendable, Hashable {
  /// u32 count, then count + 1 u32 offsets, little-endian, as they stand in the file.
  private let head: [UInt8]

  /// Number of samples.
  public let count: Int

  /// Bytes of the data file that sample `index` takes.
  public subscript(index: Int) -> Range<Int> {
    precondition(index >= 0 && index < count, "sample \(index) of \(count)")
    return Self.offset(index, in: head)..<Self.offset(index + 1, in: head)
  }

  /// Bytes at the beginning of the offsets' file that a table of `samples` takes.
  public static func headBytes(samples: Int) -> Int { 4 + 4 * (samples + 1) }

  /// Checks and adopts the head of a shard's offsets' file.
  ///
  /// - Parameters:
  ///   - head: the first `headBytes(samples: shard.samples)` bytes of the MDS file or the meta file, or all of a file
  ///     that is shorter.
  ///   - position: the shard's place in its manifest, for errors.
  public init(
    head: [UInt8], of shard: ShardDescriptor, at position: Int, stream: StreamName
  ) throws(ShardError) {
    let file = shard.meta?.raw ?? shard.data.raw
    func fail(_ field: String, _ fault: ShardFault) -> ShardError {
      ShardError(stream: stream, shard: position, basename: file.basename, field: field, fault: fault)
    }
    let needed = Self.headBytes(samples: shard.samples)
    guard head.count >= 4 else { throw fail("samples", .headCutOff(bytes: head.count, needed: needed)) }
    let found = Self.number(at: 0, in: head)
    guard found == shard.samples else {
      throw fail("samples", .wrongSampleCount(found: found, promised: shard.samples))
    }
    guard head.count >= needed else { throw fail("offsets", .headCutOff(bytes: head.count, needed: needed)) }

    // An MDS file's samples follow its own head; a split format's offsets point into another file.
    let first = Self.offset(0, in: head)
    if shard.meta == nil, first < needed {
      throw fail("offsets[0]", .startsInsideHead(offset: first, head: needed))
    }
    var previous = first
    for index in 0..<found {
      let next = Self.offset(index + 1, in: head)
      if next < previous { throw fail("offsets[\(index + 1)]", .runsBackwards(offset: next, previous: previous)) }
      if next == previous { throw fail("sample \(index)", .emptySample) }
      previous = next
    }
    guard previous == shard.data.raw.bytes else {
      throw fail("offsets[\(found)]", .wrongEnd(offset: previous, bytes: shard.data.raw.bytes))
    }
    self.head = head.count == needed ? head : Array(head.prefix(needed))
    count = found
  }

  private static func offset(_ index: Int, in head: [UInt8]) -> Int { number(at: 4 + 4 * index, in: head) }

  private static func number(at position: Int, in head: [UInt8]) -> Int {
    head.withUnsafeBytes {
      precondition(position + 4 <= $0.count)
      return Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
    }
  }
}

extension SampleTable {
  /// Reads and checks the table of a prepared shard.
  ///
  /// - Parameters:
  ///   - sizes: the actual lengths of the raw data file and, for a split format, of the raw meta file.
  ///   - read: answers `count` bytes from `offset` of the file that holds the offsets (the MDS file or the meta file),
  ///     fewer only where that file ends.
  public static func read<Failure: Error>(
    _ shard: ShardDescriptor, at position: Int, stream: StreamName, sizes: (data: Int, meta: Int?),
    read: (_ offset: Int, _ count: Int) throws(Failure) -> [UInt8]
  ) throws(SampleTableFailure<Failure>) -> SampleTable {
    let actual = [(shard.data.raw, sizes.data)] + (shard.meta.map { [($0.raw, sizes.meta ?? 0)] } ?? [])
    for (file, bytes) in actual where bytes != file.bytes {
      throw .shard(
        ShardError(
          stream: stream, shard: position, basename: file.basename, field: "size",
          fault: .wrongSize(bytes: bytes, promised: file.bytes)))
    }
    // The index has been checked: the file it promises holds this many bytes.
    let wanted = min(headBytes(samples: shard.samples), (shard.meta ?? shard.data).raw.bytes)
    let head: [UInt8]
    do throws(Failure) { head = try read(0, wanted) } catch { throw .io(error) }
    do throws(ShardError) {
      return try SampleTable(head: head, of: shard, at: position, stream: stream)
    } catch { throw .shard(error) }
  }
}

/// A table that is wrong, or could not be read.
public enum SampleTableFailure<IOFailure: Error>: Error {
  case shard(ShardError)
  /// The caller's `read` threw.
  case io(IOFailure)
}

extension SampleTableFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .shard(let error): error.description
    case .io(let error): "\(error)"
    }
  }
}
