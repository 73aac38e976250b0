/// The units of each canonical node, and the epoch's generator after it shuffled them.
///
/// The common start of py1s, py1br and py1e: the run's generator shuffles the units, they are cut into one group per
/// canonical node, and the epoch's generator shuffles each group; planning.md §7.
struct UnitGroups {
  /// The units of each canonical node.
  var groups: [[ShuffleUnit]]
  /// Samples of each canonical node.
  var counts: [Int]
  /// The epoch's generator.
  var generator: Generator

  init<ID: SampleNumber>(_ input: ShuffleInput<ID>) {
    var units = input.units.list
    var run = Generator(seed: input.runSeed)
    run.shuffle(&units)
    groups = Self.cut(units, total: input.units.total, into: input.canonicalNodes)
    counts = groups.map { $0.reduce(0) { $0 + $1.count } }
    generator = Generator(seed: input.epochSeed)
    for index in groups.indices { generator.shuffle(&groups[index]) }
  }

  /// Cuts a list of units into groups of equal numbers of samples, splitting units at the boundaries.
  ///
  /// Group c covers the positions c·total div count ..< (c+1)·total div count. Groups are empty if there are more of
  /// them than samples.
  static func cut(_ units: [ShuffleUnit], total: Int, into count: Int) -> [[ShuffleUnit]] {
    var groups: [[ShuffleUnit]] = []
    groups.reserveCapacity(count)
    var index = 0
    var used = 0
    var position = 0
    for group in 0..<count {
      let end = Rows.boundary(group + 1, of: total, in: count)
      var pieces: [ShuffleUnit] = []
      while position < end {
        let unit = units[index]
        let length = min(unit.count - used, end - position)
        pieces.append(unit.piece(from: used, count: length))
        position += length
        used += length
        if used == unit.count {
          index += 1
          used = 0
        }
      }
      groups.append(pieces)
    }
    return groups
  }
}
