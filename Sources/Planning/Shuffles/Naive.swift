/// Shuffles all samples at once.
enum Naive {
  static func order<ID: SampleNumber>(_ input: ShuffleInput<ID>) -> [ID] {
    var samples = input.units.samples
    var generator = Generator(seed: input.epochSeed)
    generator.shuffle(&samples)
    return samples
  }
}
