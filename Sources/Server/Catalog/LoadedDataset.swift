import DatasetModel
import Planning

/// A dataset whose streams are loaded: everything that its sessions and plans share.
final class LoadedDataset: Sendable {
  let name: DatasetName
  let specification: DatasetSpecification
  let streams: [LoadedStream]
  /// Sample id → stream, shard, index in shard.
  let layout: DatasetLayout
  /// Canonical description of all that fixes the order, the world apart, and its digest.
  let fingerprint: Fingerprint
  /// The streams' schemas one after another; `schemaOffsets[s]` is where stream s begins.
  let schemas: [StreamSchema]
  let schemaOffsets: [Int]
  let meanSampleBytes: Int

  init(name: DatasetName, specification: DatasetSpecification, streams: [LoadedStream]) throws {
    self.name = name
    self.specification = specification
    self.streams = streams
    let planned = LoadedDataset.planStreams(specification, streams)
    layout = DatasetLayout(shardSamples: planned.map(\.shardSamples))
    fingerprint = try LoadedDataset.fingerprint(planned, specification.options, streams)
    var schemas: [StreamSchema] = []
    var offsets: [Int] = []
    for stream in streams {
      offsets.append(schemas.count)
      schemas += stream.manifest.schemas
    }
    self.schemas = schemas
    schemaOffsets = offsets
    let samples = streams.reduce(0) { $0 + $1.manifest.samples }
    meanSampleBytes = samples == 0 ? 0 : streams.reduce(0) { $0 + $1.rawBytes } / samples
  }
}
