/// Shuffles shards, then the samples of each part of a shard.
enum Py1s {
  static func order<ID: SampleNumber>(_ input: ShuffleInput<ID>) -> [ID] {
    let start = UnitGroups(input)
    var generator = start.generator
    return input.units.samples(of: start.groups.joined(), count: input.units.total) { generator.shuffle($0) }
  }
}
