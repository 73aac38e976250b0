import DatasetModel
import Planning

/// A dataset whose streams are loaded: everything that its sessions and plans share.
final class LoadedDataset: Sendable {
  let name: DatasetName
  let specification: DatasetSpecification
  let streams: [LoadedStream]
  /// The streams as planning sees them.
  let planStreams: [PlanStream]
  /// Sample id → stream, shard, index in shard.
  let layout: DatasetLayout
  /// The first sample id of each stream.
  let firstSamples: [Int]
  /// The streams' schemas one after another; `schemaOffsets[s]` is where stream s begins.
  let schemas: [StreamSchema]
  let schemaOffsets: [Int]
  let meanSampleBytes: Int

  init(name: DatasetName, specification: DatasetSpecification, streams: [LoadedStream]) {
    precondition(streams.count == specification.streams.count, "a dataset was given other streams than it names")
    self.name = name
    self.specification = specification
    self.streams = streams
    planStreams = zip(streams, specification.streams).map { stream, share in
      PlanStream(name: stream.name, shardSamples: stream.manifest.samplesPerShard, weight: share.weight)
    }
    layout = DatasetLayout(planStreams)
    var schemas: [StreamSchema] = []
    var offsets: [Int] = []
    var firsts: [Int] = []
    var samples = 0
    for stream in streams {
      offsets.append(schemas.count)
      firsts.append(samples)
      schemas += stream.manifest.schemas
      samples += stream.manifest.samples
    }
    self.schemas = schemas
    schemaOffsets = offsets
    firstSamples = firsts
    meanSampleBytes = samples == 0 ? 0 : streams.reduce(0) { $0 + $1.rawBytes } / samples
  }

  /// What the person who reads a trainer's log should know of the streams.
  var warnings: [String] {
    streams.compactMap { stream in
      stream.staleBecause.map {
        "stream \(stream.name): its remote could not be asked for the index, the kept copy serves (\($0))"
      }
    }
  }

  /// Everything that fixes the order of a setup of this dataset, in words.
  func order(_ setup: EpochSetup) -> OrderDescription {
    // The stream's own digest covers every shard, so one shard carries it for all.
    OrderDescription(
      setup, identities: { stream, shard in shard == 0 ? Array(self.streams[stream].identity.utf8) : [] },
      digest: FingerprintDigest.make)
  }
}
