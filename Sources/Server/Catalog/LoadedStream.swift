import DatasetModel
import StreamRegistry

/// A stream whose manifest is known: what sessions are opened on, and what stays the same for them through a reload.
final class LoadedStream: Sendable {
  /// Unique in this daemon's life, so that a reloaded stream never takes an older one's place in a table.
  let number: Int
  let configuration: StreamConfiguration
  let source: any StreamSource
  let manifest: StreamManifest
  /// Digest of the shard list: files, sizes, digests, sample counts. Part of every fingerprint.
  let identity: String
  /// Why the manifest is a kept copy, when the remote could not be asked.
  let staleBecause: String?
  /// Bytes of all raw shards.
  let rawBytes: Int

  init(
    number: Int, configuration: StreamConfiguration, source: any StreamSource, manifest: StreamManifest,
    identity: String, staleBecause: String? = nil
  ) {
    self.number = number
    self.configuration = configuration
    self.source = source
    self.manifest = manifest
    self.identity = identity
    self.staleBecause = staleBecause
    rawBytes = manifest.shards.reduce(0) { $0 + $1.data.raw.bytes }
  }

  /// Position of a shard's schema in the manifest's.
  func schema(ofShard shard: Int) -> Int {
    manifest.schemas.count == 1 ? 0 : manifest.shards[shard].schema
  }

  var name: StreamName { configuration.name }
}
