/// One file of a shard as its index states it: a name below the stream's root, its exact length and its digests.
///
/// The reference's file record (`raw_data`, `zip_data`, `raw_meta`, `zip_meta` in index.json).
public struct FileRecord: Hashable, Sendable {
  /// Path below the stream's root (`shard.00000.mds`, `part0/shard.00000.mds.zstd`); already checked to stay inside it.
  public let basename: String
  /// Exact length in bytes.
  public let bytes: Int
  /// Lower-case hexadecimal digests by algorithm name (`xxh64`, `sha256`, …), as far as the index has them.
  public let hashes: [String: String]

  public init(basename: String, bytes: Int, hashes: [String: String] = [:]) {
    self.basename = basename
    self.bytes = bytes
    self.hashes = hashes
  }
}

/// A file of a shard in its two forms: as it is read (`raw`), and as it is stored remotely when compressed (`zip`).
public struct FilePair: Hashable, Sendable {
  public let raw: FileRecord
  public let zip: FileRecord?

  public init(raw: FileRecord, zip: FileRecord? = nil) {
    self.raw = raw
    self.zip = zip
  }

  /// The form that the remote holds.
  public var stored: FileRecord { zip ?? raw }
}

/// How a shard's bytes are laid out.
public enum ShardFormat: Hashable, Sendable {
  /// Mosaic Data Shard: offsets, configuration and samples in one file.
  case mds
  /// One JSON object per sample, with a meta file of offsets.
  case json
  /// Separated values with a header line, and a meta file of offsets. `name` is "csv", "tsv" or "xsv".
  case separated(name: String, separator: String)
}

/// One shard of a stream, as its index describes it.
public struct ShardDescriptor: Hashable, Sendable {
  public let format: ShardFormat
  /// Number of samples.
  public let samples: Int
  /// The sample bytes.
  public let data: FilePair
  /// The offsets of a split format (JSON, XSV); nil for MDS.
  public let meta: FilePair?
  /// `zstd`, `gz:6`, …; nil when the remote holds raw files.
  public let compression: String?
  /// Position in `StreamManifest.schemas`.
  public let schema: Int

  public init(
    format: ShardFormat, samples: Int, data: FilePair, meta: FilePair? = nil, compression: String? = nil, schema: Int
  ) {
    self.format = format
    self.samples = samples
    self.data = data
    self.meta = meta
    self.compression = compression
    self.schema = schema
  }

  /// The files in the order in which the reference prepares them: meta first.
  public var files: [FilePair] { (meta.map { [$0] } ?? []) + [data] }

  /// Bytes on disk once the shard is ready to be read.
  public var rawBytes: Int { files.reduce(0) { $0 + $1.raw.bytes } }

  /// Bytes that a download moves.
  public var storedBytes: Int { files.reduce(0) { $0 + $1.stored.bytes } }

  /// The most bytes on disk at any time while the shard is prepared: compressed and raw together.
  public var peakBytes: Int { files.reduce(0) { $0 + $1.raw.bytes + ($1.zip?.bytes ?? 0) } }
}
