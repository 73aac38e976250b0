import DatasetModel
import Planning
import WireProtocol

/// The samples of a request: whose they are and in which shard each lies, before any shard is opened.
struct SamplePlaces {
  let columns: BatchColumns
  /// The shard of each sample.
  let slots: [ShardSlot]
  /// The distinct shards, with their descriptors' places in the dataset.
  let shards: [ShardSlot: ShardPlace]

  /// A shard's place in a dataset.
  struct ShardPlace: Sendable {
    let stream: LoadedStream
    let shard: Int
  }

  /// - Parameters:
  ///   - counts: samples of each batch.
  ///   - ids: global ids, all of them the dataset's.
  init(counts: [UInt32], ids: [Int], dataset: LoadedDataset) {
    let count = ids.count
    var wireIDs: [Int64] = []
    var streams: [UInt32] = []
    var shardNumbers: [UInt32] = []
    var indices: [UInt32] = []
    var schemas: [UInt32] = []
    var slots: [ShardSlot] = []
    wireIDs.reserveCapacity(count)
    streams.reserveCapacity(count)
    shardNumbers.reserveCapacity(count)
    indices.reserveCapacity(count)
    schemas.reserveCapacity(count)
    slots.reserveCapacity(count)
    var shards: [ShardSlot: ShardPlace] = [:]
    for id in ids {
      let place = dataset.layout.place(ofSample: id)
      let stream = dataset.streams[place.stream]
      let slot = ShardSlot(stream: stream.number, shard: place.shard)
      wireIDs.append(Int64(id))
      streams.append(UInt32(place.stream))
      shardNumbers.append(UInt32(place.shard))
      indices.append(UInt32(place.index))
      schemas.append(UInt32(dataset.schemaOffsets[place.stream] + stream.schema(ofShard: place.shard)))
      slots.append(slot)
      shards[slot] = ShardPlace(stream: stream, shard: place.shard)
    }
    columns = BatchColumns(
      counts: counts, ids: wireIDs, streams: streams, shards: shardNumbers, indices: indices, schemas: schemas)
    self.slots = slots
    self.shards = shards
  }
}
