import Codecs
import DatasetModel

/// A manifest as a compact file of our own, so that a restart need not parse a large index again.
///
/// Little-endian: the magic, u64 length of the head and its XXH3, u64 length of the records and their XXH3, the head, the
/// records. The head holds the validator of the index it was made from, schemas, traits and the number of shards; the
/// records are those of `ShardTable`. A copy is only as good as the cache directory it lies in: the checksums find
/// damage, not malice.
public enum ManifestCopy {
  /// Changes with the layout; a copy with another is made again from the index.
  private static let magic = Array("SluiceM1".utf8)
  private static let fixedBytes = 8 + 4 * 8

  /// Writes `manifest` in a few large pieces.
  ///
  /// - Parameter validator: the index's validator (ETag, digest); a copy is only read back for the same.
  public static func write<Failure: Error>(
    _ manifest: StreamManifest, validator: String, to write: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    var head = CopyWriter()
    head.append(validator)
    head.append(manifest.schemas) { head, schema in head.append(schema) }
    head.append(manifest.shards.traits) { head, traits in head.append(traits) }
    head.append(UInt64(manifest.shards.count))
    let records = manifest.shards.records

    var start = CopyWriter()
    start.bytes = magic
    for part in [head.bytes, records] {
      start.append(UInt64(part.count))
      start.append(part.withUnsafeBytes { Digest.xxh3($0) })
    }
    try Self.pass(start.bytes + head.bytes, to: write)
    try Self.pass(records, to: write)
  }

  /// The copy in one array.
  public static func bytes(of manifest: StreamManifest, validator: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(manifest.shards.records.count + (64 << 10))
    write(manifest, validator: validator) { (piece: UnsafeRawBufferPointer) throws(Never) in bytes += piece }
    return bytes
  }

  /// The manifest that `bytes` holds, if they are a sound copy for this very index.
  public static func read(_ bytes: [UInt8], validator: String) throws(ManifestCopyFault) -> StreamManifest {
    let layout = try Layout(bytes.prefix(Layout.bytes), of: bytes.count)
    return try read(
      layout, head: Array(bytes[layout.head.range]), records: Array(bytes[layout.records.range]), validator: validator)
  }

  /// Where a copy's two parts lie in its file, for a reader that does not hold the file whole beside them.
  public struct Layout: Sendable {
    public struct Part: Sendable {
      /// The part's bytes in the file.
      public let range: Range<Int>
      let digest: UInt64

      func isSound(_ bytes: [UInt8]) -> Bool {
        bytes.count == range.count && bytes.withUnsafeBytes { Digest.xxh3($0) } == digest
      }
    }

    /// Bytes at the beginning of a copy that say where its parts lie.
    public static let bytes = fixedBytes

    public let head: Part
    public let records: Part

    /// - Parameters:
    ///   - start: the first bytes of a copy.
    ///   - count: how long the copy is.
    public init(_ start: some Collection<UInt8>, of count: Int) throws(ManifestCopyFault) {
      guard start.starts(with: magic) else { throw .notACopy }
      guard start.count >= Self.bytes, count >= Self.bytes else { throw .damaged }
      var reader = CopyReader(bytes: Array(start), position: magic.count, end: Self.bytes)
      var position = Self.bytes
      var parts: [Part] = []
      for _ in 0..<2 {
        let (length, digest) = (try reader.number(UInt64.self), try reader.number(UInt64.self))
        guard length <= UInt64(count - position) else { throw .damaged }
        parts.append(Part(range: position..<position + Int(length), digest: digest))
        position += Int(length)
      }
      guard position == count else { throw .damaged }
      (head, records) = (parts[0], parts[1])
    }
  }

  /// The manifest of a copy whose parts were read one by one.
  public static func read(
    _ layout: Layout, head: [UInt8], records: [UInt8], validator: String
  ) throws(ManifestCopyFault) -> StreamManifest {
    guard layout.head.isSound(head), layout.records.isSound(records) else { throw .damaged }
    var head = CopyReader(bytes: head, position: 0, end: head.count)
    guard try head.text() == validator else { throw .otherValidator }
    let schemas = try head.list { head throws(ManifestCopyFault) in try head.schema() }
    let traits = try head.list { head throws(ManifestCopyFault) in try head.traits(schemas: schemas.count) }
    let count = try head.number(UInt64.self)
    guard head.position == head.end, let shards = Int(exactly: count),
      let table = ShardTable(traits: traits, records: records, count: shards)
    else { throw .damaged }
    var samples = 0
    for shard in table.indices {
      let (sum, overflow) = samples.addingReportingOverflow(table.samples(of: shard))
      if overflow { throw .damaged }
      samples = sum
    }
    return StreamManifest(shards: table, schemas: schemas)
  }

  private static func pass<Failure: Error>(
    _ bytes: [UInt8], to write: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    try bytes.withUnsafeBufferPointer { (piece) throws(Failure) in try write(UnsafeRawBufferPointer(piece)) }
  }
}

/// Why a copy of a manifest cannot be used. Each means: parse the index itself.
public enum ManifestCopyFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// Another kind of file, or another version's copy.
  case notACopy
  /// The index has changed since.
  case otherValidator
  case damaged

  public var description: String {
    switch self {
    case .notACopy: "the file is no copy of a manifest in this version's layout"
    case .otherValidator: "the copy was made from another version of the index"
    case .damaged: "the copy of the manifest is damaged"
    }
  }
}
