/// What many shards of a stream have in common: everything an index repeats in every record but names, sizes, digests.
package struct ShardTraits: Hashable, Sendable {
  package let format: ShardFormat
  package let compression: String?
  package let schema: Int
  /// The shard's files in the order in which a record stores them: meta before data, raw before zip.
  package let files: [FileTraits]

  package init(format: ShardFormat, compression: String?, schema: Int, files: [FileTraits]) {
    self.format = format
    self.compression = compression
    self.schema = schema
    self.files = files
  }
}

/// Which file of a shard it is, and which digests of it are known.
package struct FileTraits: Hashable, Sendable {
  package enum Role: UInt8, Hashable, Sendable {
    case rawMeta, zipMeta, rawData, zipData
  }

  package let role: Role
  /// Sorted by algorithm, so that equal files have equal traits.
  package let digests: [DigestTraits]

  package init(role: Role, digests: [DigestTraits]) {
    self.role = role
    self.digests = digests
  }

  /// Bytes that the digests take in a record.
  package var digestBytes: Int { digests.reduce(0) { $0 + $1.bytes } }
}

/// How one digest is stored: as the bytes that its hexadecimal text states, or as text where it is something else.
package struct DigestTraits: Hashable, Sendable {
  package let algorithm: String
  package let bytes: Int
  package let isText: Bool

  package init(algorithm: String, bytes: Int, isText: Bool = false) {
    self.algorithm = algorithm
    self.bytes = bytes
    self.isText = isText
  }
}
