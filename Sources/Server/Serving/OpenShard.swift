import DatasetModel
import LinuxSystem
import ShardCache
import ShardFormats

/// A verified shard, open for reading, and where its samples lie. The bytes stay readable as long as this is held, also
/// when the cache has unlinked the file meanwhile; `hold` tells the cache until when that is.
final class OpenShard: Sendable {
  let file: OwnedDescriptor
  let table: SampleTable
  private let hold: Hold

  /// What keeps the bytes accounted for.
  enum Hold: Sendable {
    /// For as long as a client may have it open.
    case retained(RetainedShard)
    /// For one request: clients hold so much of the limit already that this one gets bytes, not a descriptor.
    case leased(ShardLease)
  }

  init(file: OwnedDescriptor, table: SampleTable, hold: Hold) {
    self.file = file
    self.table = table
    self.hold = hold
  }

  /// Whether it may be kept open, and passed to the client.
  var mayBeKept: Bool {
    if case .retained = hold { true } else { false }
  }

  /// True once the cache has unlinked the file: whoever holds it should let go soon, since its bytes still count.
  var isUnwanted: Bool {
    switch hold {
    case .retained(let shard): shard.isUnwanted
    case .leased: true
    }
  }
}
