/// Packs shards into a `ShardTable`, one after another.
package struct ShardTableBuilder: Sendable {
  private var traits: [ShardTraits] = []
  private var positions: [ShardTraits: Int] = [:]
  private var records: [UInt8] = []
  private var starts: [Int] = []

  package init() {}

  /// Shards so far.
  package var count: Int { starts.count }

  /// Makes room for `shards` of the usual size, to spare the copies of a growing buffer.
  package mutating func reserve(shards: Int, bytes: Int) {
    starts.reserveCapacity(shards)
    records.reserveCapacity(bytes)
  }

  /// The position of `traits`, added if they are new.
  package mutating func position(of traits: ShardTraits) -> Int {
    if let known = positions[traits] { return known }
    precondition(traits.files.contains { $0.role == .rawData }, "every shard has a data file")
    self.traits.append(traits)
    positions[traits] = self.traits.count - 1
    return self.traits.count - 1
  }

  /// Begins a shard; its files follow, in the order of its traits.
  package mutating func beginShard(traits: Int, samples: Int) {
    starts.append(records.count)
    append(UInt32(traits))
    append(UInt64(samples))
  }

  /// Adds a file of the shard begun last: `digests` as its traits lay them out, the name in two parts.
  package mutating func appendFile(
    bytes: Int, digests: some Collection<UInt8>, directory: some Collection<UInt8>, name: some Collection<UInt8>
  ) {
    append(UInt32(directory.count + name.count))
    append(UInt64(bytes))
    records.append(contentsOf: digests)
    records.append(contentsOf: directory)
    records.append(contentsOf: name)
  }

  /// Adds a whole shard.
  package mutating func append(_ shard: ShardDescriptor) {
    precondition(shard.samples >= 0, "a shard has no negative number of samples")
    var files: [(role: FileTraits.Role, record: FileRecord)] = []
    if let meta = shard.meta {
      files.append((.rawMeta, meta.raw))
      if let zip = meta.zip { files.append((.zipMeta, zip)) }
    }
    files.append((.rawData, shard.data.raw))
    if let zip = shard.data.zip { files.append((.zipData, zip)) }

    let stored = files.map { file in
      file.record.hashes.sorted { $0.key < $1.key }.map { (algorithm: $0.key, value: StoredDigest($0.value)) }
    }
    let fileTraits = zip(files, stored).map { file, digests in
      FileTraits(
        role: file.role,
        digests: digests.map {
          DigestTraits(algorithm: $0.algorithm, bytes: $0.value.bytes.count, isText: $0.value.isText)
        })
    }
    let position = position(
      of: ShardTraits(
        format: shard.format, compression: shard.compression, schema: shard.schema, files: fileTraits))
    beginShard(traits: position, samples: shard.samples)
    for (file, digests) in zip(files, stored) {
      precondition(file.record.bytes >= 0, "a file has no negative length")
      appendFile(
        bytes: file.record.bytes, digests: digests.flatMap(\.value.bytes), directory: [],
        name: file.record.basename.utf8)
    }
  }

  /// The table. The builder starts anew.
  package mutating func finish() -> ShardTable {
    defer { self = ShardTableBuilder() }
    return ShardTable(traits: traits, records: records, starts: starts)
  }

  private mutating func append(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.littleEndian) { records.append(contentsOf: $0) }
  }
}

/// A digest's text packed: two characters a byte when it is lower-case hexadecimal, as it is otherwise.
private struct StoredDigest {
  let bytes: [UInt8]
  let isText: Bool

  init(_ text: String) {
    var packed: [UInt8] = []
    var high: UInt8?
    for character in text.utf8 {
      guard let value = Self.value(of: character) else {
        bytes = Array(text.utf8)
        isText = true
        return
      }
      if let first = high { packed.append(first << 4 | value) }
      high = high == nil ? value : nil
    }
    isText = high != nil
    bytes = isText ? Array(text.utf8) : packed
  }

  private static func value(of character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
