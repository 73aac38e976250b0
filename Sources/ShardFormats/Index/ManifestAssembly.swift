import DatasetModel

/// Collects parsed records into a manifest, sharing what records have in common.
struct ManifestAssembly {
  /// Most different combinations of columns, compression and digests in one stream.
  static let maximumTraits = 65_536
  /// Most shards of one stream.
  static let maximumShards = 100_000_000

  private var table = ShardTableBuilder()
  private var schemas: [StreamSchema] = []
  private var schemaPositions: [StreamSchema: Int] = [:]
  private var known: [[UInt8]: KnownTraits] = [:]
  private var lastKey: [UInt8] = []
  private var last: KnownTraits?
  private var key: [UInt8] = []
  private var digestBytes: [UInt8] = []
  private var samples = 0

  /// Traits that some record already had.
  private struct KnownTraits {
    let position: Int
    let files: [FileTraits]
    let digestOrder: [[Int]]
  }

  var shards: Int { table.count }

  mutating func reserve(shards: Int, bytes: Int) { table.reserve(shards: shards, bytes: bytes) }

  /// Adds a record, or throws without having added anything.
  ///
  /// - Parameter directory: what every name is prefixed with; "" or a checked path with a slash at its end.
  mutating func append(
    _ record: ScannedRecord, _ bytes: UnsafeRawBufferPointer, directory: [UInt8]
  ) throws(FieldFault) {
    let traits = try traits(of: record, bytes)
    let (sum, overflow) = samples.addingReportingOverflow(record.samples)
    guard !overflow else { throw FieldFault("samples", .limit("samples of a stream", limit: Int.max)) }
    guard shards < Self.maximumShards else { throw FieldFault(nil, .limit("shards", limit: Self.maximumShards)) }
    try check(record, traits, bytes, directory: directory)
    samples = sum
    table.beginShard(traits: traits.position, samples: record.samples)
    for (position, file) in traits.files.enumerated() {
      guard let scanned = record.files[Int(file.role.rawValue)] else { preconditionFailure("traits name the files") }
      digestBytes.removeAll(keepingCapacity: true)
      for digest in traits.digestOrder[position] {
        _ = Self.appendDigest(scanned.digests[digest].value.written(in: bytes), to: &digestBytes)
      }
      if scanned.name.hasEscapes {
        table.appendFile(
          bytes: scanned.bytes, digests: digestBytes, directory: directory, name: scanned.name.valueBytes(in: bytes))
      } else {
        table.appendFile(
          bytes: scanned.bytes, digests: digestBytes, directory: directory, name: scanned.name.written(in: bytes))
      }
    }
  }

  mutating func finish() -> StreamManifest { StreamManifest(shards: table.finish(), schemas: schemas) }

  private mutating func traits(
    of record: ScannedRecord, _ bytes: UnsafeRawBufferPointer
  ) throws(FieldFault) -> KnownTraits {
    key.removeAll(keepingCapacity: true)
    record.appendTraitsKey(to: &key, bytes)
    if let last, key == lastKey { return last }
    let traits: KnownTraits
    if let found = known[key] {
      traits = found
    } else {
      guard known.count < Self.maximumTraits else {
        throw FieldFault(nil, .limit("different kinds of shard", limit: Self.maximumTraits))
      }
      let shared = try SharedFields(record, bytes)
      let schema = position(of: shared.schema)
      let position = table.position(
        of: ShardTraits(
          format: shared.schema.format, compression: shared.compression, schema: schema, files: shared.files))
      traits = KnownTraits(position: position, files: shared.files, digestOrder: shared.digestOrder)
      known[key] = traits
    }
    lastKey = key
    last = traits
    return traits
  }

  private mutating func position(of schema: StreamSchema) -> Int {
    if let position = schemaPositions[schema] { return position }
    schemas.append(schema)
    schemaPositions[schema] = schemas.count - 1
    return schemas.count - 1
  }

  /// Checks what differs from record to record: names, sizes, digests, and that they agree with each other.
  private mutating func check(
    _ record: ScannedRecord, _ traits: KnownTraits, _ bytes: UnsafeRawBufferPointer, directory: [UInt8]
  ) throws(FieldFault) {
    // Offsets in a shard have 32 bits, so no file they point into can be longer.
    let offsets = 0...Int(UInt32.max)
    for file in traits.files {
      guard let scanned = record.files[Int(file.role.rawValue)] else { preconditionFailure("traits name the files") }
      let field = file.role.field
      let allowed = file.role == .rawData ? offsets : 0...Int.max
      guard allowed.contains(scanned.bytes) else {
        throw FieldFault("\(field).bytes", .outOfRange(value: scanned.bytes, allowed: allowed))
      }
      let fault =
        scanned.name.hasEscapes
        ? RelativePath.fault(of: scanned.name.valueBytes(in: bytes))
        : RelativePath.fault(of: scanned.name.written(in: bytes))
      if let fault { throw FieldFault("\(field).basename", .unsafeName(scanned.name.value(in: bytes), fault)) }
      guard directory.count + scanned.name.end - scanned.name.start <= RelativePath.maximumBytes else {
        let fault = PathFault.tooLong(limit: RelativePath.maximumBytes)
        throw FieldFault("\(field).basename", .unsafeName(scanned.name.value(in: bytes), fault))
      }
      for digest in scanned.digests {
        digestBytes.removeAll(keepingCapacity: true)
        guard Self.appendDigest(digest.value.written(in: bytes), to: &digestBytes) else {
          let name = digest.name.value(in: bytes)
          throw FieldFault("\(field).hashes.\(name)", .badDigest(algorithm: name))
        }
      }
    }
    try checkRoom(record)
  }

  /// Offsets need four bytes a sample and samples at least one.
  private func checkRoom(_ record: ScannedRecord) throws(FieldFault) {
    guard let data = record.files[Int(FileTraits.Role.rawData.rawValue)]?.bytes else { return }
    let head = 8 + 4 * record.samples
    let meta = record.files[Int(FileTraits.Role.rawMeta.rawValue)]?.bytes
    guard (meta ?? data - record.samples) >= head else {
      throw FieldFault("samples", .tooManySamples(samples: record.samples, bytes: meta ?? data))
    }
    if meta != nil, data < record.samples {
      throw FieldFault("samples", .tooManySamples(samples: record.samples, bytes: data))
    }
  }

  /// Appends the bytes that lower-case hexadecimal `text` states; false when it is something else.
  private static func appendDigest(_ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) -> Bool {
    var high: UInt8 = 0
    for (position, character) in text.enumerated() {
      let value: UInt8
      switch character {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = character - UInt8(ascii: "a") + 10
      default: return false
      }
      if position.isMultiple(of: 2) { high = value } else { bytes.append(high << 4 | value) }
    }
    return text.count.isMultiple(of: 2)
  }
}

extension FileTraits.Role {
  /// The key of the file in a shard's record.
  var field: String {
    switch self {
    case .rawMeta: "raw_meta"
    case .zipMeta: "zip_meta"
    case .rawData: "raw_data"
    case .zipData: "zip_data"
    }
  }
}
