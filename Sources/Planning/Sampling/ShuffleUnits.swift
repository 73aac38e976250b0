import DatasetModel

/// An unsigned integer wide enough for a dataset's sample ids. `max` is never an id: it marks a vacant place.
protocol SampleNumber: FixedWidthInteger & UnsignedInteger & Sendable {}
extension UInt32: SampleNumber {}
extension UInt64: SampleNumber {}

/// Samples that a shuffle keeps together: a shard, a chosen part of one, or a piece of either.
struct ShuffleUnit: Sendable {
  /// The first sample id of a run of consecutive ids; or, complemented (negative), a position in `picked`.
  var source: Int
  /// Samples.
  var count: Int

  /// The unit's samples from `offset` on, `length` of them.
  @inline(__always)
  func piece(from offset: Int, count length: Int) -> ShuffleUnit {
    ShuffleUnit(source: source >= 0 ? source + offset : ~(~source + offset), count: length)
  }
}

/// The samples that an epoch draws, unit by unit.
struct ShuffleUnits<ID: SampleNumber>: Sendable {
  var list: [ShuffleUnit] = []
  /// Samples chosen from shards that are not drawn whole.
  var picked: [ID] = []
  /// Samples of all units together.
  var total = 0

  /// Appends a whole shard.
  mutating func append(shard first: Int, count: Int) {
    list.append(ShuffleUnit(source: first, count: count))
    total += count
  }

  /// Appends the chosen part of a shard: the samples of `picked` from `position` on.
  mutating func append(pickedFrom position: Int, count: Int) {
    list.append(ShuffleUnit(source: ~position, count: count))
    total += count
  }

  /// Writes a unit's sample ids.
  @inline(__always)
  static func write(_ unit: ShuffleUnit, picked: UnsafeBufferPointer<ID>, to target: UnsafeMutablePointer<ID>) {
    if unit.source >= 0 {
      var id = ID(truncatingIfNeeded: unit.source)
      for offset in 0..<unit.count {
        target[offset] = id
        id &+= 1
      }
    } else {
      let first = ~unit.source
      for offset in 0..<unit.count { target[offset] = picked[first + offset] }
    }
  }

  /// The sample ids of some units, in order, each unit's first changed by `change`.
  func samples(
    of units: some Collection<ShuffleUnit>, count: Int, changing change: (UnsafeMutableBufferPointer<ID>) -> Void
  ) -> [ID] {
    picked.withUnsafeBufferPointer { picked in
      [ID](unsafeUninitializedCapacity: count) { buffer, filled in
        guard let base = buffer.baseAddress else { return }
        for unit in units {
          Self.write(unit, picked: picked, to: base + filled)
          change(UnsafeMutableBufferPointer(start: base + filled, count: unit.count))
          filled += unit.count
        }
      }
    }
  }

  /// All sample ids, unit by unit.
  var samples: [ID] { samples(of: list, count: total) { _ in } }
}
