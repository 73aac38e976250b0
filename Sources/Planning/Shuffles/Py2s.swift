/// Shuffles shards and the samples within each, once for the run; cuts them for the canonical nodes, and shuffles the
/// parts and the samples of each part again for the epoch.
enum Py2s {
  static func order<ID: SampleNumber>(_ input: ShuffleInput<ID>) -> [ID] {
    var units = input.units.list
    var run = Generator(seed: input.runSeed)
    run.shuffle(&units)
    // What the run shuffled takes the place of the chosen samples: units become positions in it.
    var shuffled = ShuffleUnits<ID>()
    shuffled.picked = input.units.samples(of: units, count: input.units.total) { run.shuffle($0) }
    var position = 0
    for unit in units {
      shuffled.list.append(ShuffleUnit(source: ~position, count: unit.count))
      position += unit.count
    }
    var groups = UnitGroups.cut(shuffled.list, total: position, into: input.canonicalNodes)
    var generator = Generator(seed: input.epochSeed)
    return shuffled.picked.withUnsafeBufferPointer { picked in
      [ID](unsafeUninitializedCapacity: picked.count) { buffer, filled in
        guard let base = buffer.baseAddress else { return }
        for index in groups.indices {
          generator.shuffle(&groups[index])
          for unit in groups[index] {
            ShuffleUnits<ID>.write(unit, picked: picked, to: base + filled)
            generator.shuffle(UnsafeMutableBufferPointer(start: base + filled, count: unit.count))
            filled += unit.count
          }
        }
      }
    }
  }
}
