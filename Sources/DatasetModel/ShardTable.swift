/// The shards of a stream, packed: about 90 bytes each in one buffer, made into a `ShardDescriptor` when asked for.
///
/// A stream can have a million shards, and a descriptor with its texts and dictionaries is ten times as large.
public struct ShardTable: RandomAccessCollection, Hashable, Sendable {
  /// The distinct traits; a record begins with its position here.
  package let traits: [ShardTraits]
  /// The records, one after another; see `ShardRecord` for their layout.
  package let records: [UInt8]
  /// Where in `records` each shard begins.
  private let starts: [Int]

  /// Adopts a builder's work.
  init(traits: [ShardTraits], records: [UInt8], starts: [Int]) {
    self.traits = traits
    self.records = records
    self.starts = starts
  }

  /// A table of `shards`.
  public init(_ shards: some Sequence<ShardDescriptor>) {
    var builder = ShardTableBuilder()
    for shard in shards { builder.append(shard) }
    self = builder.finish()
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { starts.count }

  public subscript(position: Int) -> ShardDescriptor {
    let start = starts[position]
    return records.withUnsafeBytes { ShardRecord(bytes: $0, start: start).descriptor(traits) }
  }

  /// Samples of one shard, without making its descriptor.
  public func samples(of shard: Int) -> Int {
    let start = starts[shard]
    return records.withUnsafeBytes { ShardRecord(bytes: $0, start: start).samples }
  }
}

extension ShardTable {
  /// Adopts records read from storage, or nil when they are not exactly `count` well-formed ones.
  package init?(traits: [ShardTraits], records: [UInt8], count: Int) {
    guard count >= 0, count <= records.count / ShardRecord.headBytes else { return nil }
    var starts: [Int] = []
    starts.reserveCapacity(count)
    let complete = records.withUnsafeBytes { bytes in
      var position = 0
      while starts.count < count {
        guard let end = ShardRecord.end(in: bytes, from: position, traits) else { return false }
        starts.append(position)
        position = end
      }
      return position == bytes.count
    }
    guard complete else { return nil }
    self.init(traits: traits, records: records, starts: starts)
  }
}

/// One shard in a table's buffer.
///
/// Little-endian, unaligned: u32 position of its traits, u64 samples, then for each file of the traits u32 length of the
/// name, u64 bytes, the digests, the name.
struct ShardRecord {
  static let headBytes = 12
  static let fileHeadBytes = 12

  let bytes: UnsafeRawBufferPointer
  let start: Int

  var samples: Int { Int(clamping: bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt64.self)) }

  func descriptor(_ traits: [ShardTraits]) -> ShardDescriptor {
    let own = traits[Int(bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))]
    var files: [FileRecord?] = [nil, nil, nil, nil]
    var position = start + Self.headBytes
    for file in own.files { files[Int(file.role.rawValue)] = self.file(file, at: &position) }
    let pair = { (raw: FileRecord?, zip: FileRecord?) in raw.map { FilePair(raw: $0, zip: zip) } }
    guard let data = pair(files[2], files[3]) else { preconditionFailure("a table's shard has a data file") }
    return ShardDescriptor(
      format: own.format, samples: samples, data: data, meta: pair(files[0], files[1]), compression: own.compression,
      schema: own.schema)
  }

  private func file(_ traits: FileTraits, at position: inout Int) -> FileRecord {
    let nameBytes = Int(bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
    let size = Int(clamping: bytes.loadUnaligned(fromByteOffset: position + 4, as: UInt64.self))
    position += Self.fileHeadBytes
    var hashes: [String: String] = [:]
    for digest in traits.digests {
      let value = bytes[position..<position + digest.bytes]
      hashes[digest.algorithm] = digest.isText ? String(decoding: value, as: UTF8.self) : hexadecimal(value)
      position += digest.bytes
    }
    let name = String(decoding: bytes[position..<position + nameBytes], as: UTF8.self)
    position += nameBytes
    return FileRecord(basename: name, bytes: size, hashes: hashes)
  }

  /// Where the record at `start` ends, or nil when it is not well-formed.
  static func end(in bytes: UnsafeRawBufferPointer, from start: Int, _ traits: [ShardTraits]) -> Int? {
    guard bytes.count - start >= headBytes else { return nil }
    let index = Int(bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
    let samples = bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt64.self)
    guard index < traits.count, samples <= UInt64(Int.max) else { return nil }
    var position = start + headBytes
    for file in traits[index].files {
      guard bytes.count - position >= fileHeadBytes else { return nil }
      let nameBytes = Int(bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
      let size = bytes.loadUnaligned(fromByteOffset: position + 4, as: UInt64.self)
      position += fileHeadBytes
      let rest = bytes.count - position
      guard size <= UInt64(Int.max), file.digestBytes <= rest, nameBytes <= rest - file.digestBytes else { return nil }
      position += file.digestBytes + nameBytes
    }
    return position
  }
}

private func hexadecimal(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
  String(unsafeUninitializedCapacity: bytes.count * 2) { target in
    var position = 0
    for byte in bytes {
      for half in [byte >> 4, byte & 15] {
        target[position] = half < 10 ? UInt8(ascii: "0") + half : UInt8(ascii: "a") + half - 10
        position += 1
      }
    }
    return position
  }
}
