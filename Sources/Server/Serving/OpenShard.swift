import DatasetModel
import LinuxSystem
import ShardFormats

/// A verified shard, open for reading, and where its samples lie. The bytes stay readable as long as this is held, also
/// when the cache has unlinked the file meanwhile; `hold` tells the cache until when that is.
final class OpenShard: Sendable {
  let file: OwnedDescriptor
  let table: SampleTable
  let hold: any ShardHold

  init(file: OwnedDescriptor, table: SampleTable, hold: any ShardHold) {
    self.file = file
    self.table = table
    self.hold = hold
  }
}

/// What keeps a shard's bytes accounted for while somebody has it open; given back when it is dropped.
protocol ShardHold: Sendable {
  /// True once the cache has unlinked the file: whoever holds it should let go soon, since its bytes still count.
  var isUnwanted: Bool { get }
}
