import DatasetModel
import StreamRegistry
import Testing

@testable import DaemonConfiguration

@Suite struct DatasetConfigurationTests {
  private static let three = "streams: {a: {local: /1}, b: {local: /2}, c: {local: /3}}\n"

  private func dataset(_ text: String) throws -> DatasetSpecification {
    try #require(try parse(Self.three + "datasets: {d: {\(text)}}").dataset("d")).specification
  }

  @Test func everyOptionUnderTheReferencesName() throws {
    let specification = try dataset(
      """
      streams: [{stream: a, proportion: 1}, {stream: b, proportion: 0.5}], batch_size: 8, shuffle: true,
      shuffle_algo: py1br, shuffle_seed: 17, shuffle_block_size: 1024, sampling_method: fixed, sampling_granularity: 4,
      partition_algo: orig, batching_method: stratified, num_canonical_nodes: 16, replication: 2, epoch_size: 1.5k,
      predownload: 99
      """)
    #expect(
      specification.streams == [
        StreamShare(stream: "a", weight: .proportion(1)), StreamShare(stream: "b", weight: .proportion(0.5)),
      ])
    var options = DatasetOptions()
    options.batchSize = 8
    options.shuffle = true
    options.shuffleAlgorithm = "py1br"
    options.shuffleSeed = 17
    options.shuffleBlockSize = 1024
    options.samplingMethod = "fixed"
    options.samplingGranularity = 4
    options.partitionAlgorithm = "orig"
    options.batchingMethod = "stratified"
    options.canonicalNodes = 16
    options.replication = 2
    options.epochSize = 1500
    #expect(specification.options == options)
    #expect(specification.predownload == 99)
  }

  @Test func defaultsAreTheReferences() throws {
    let specification = try dataset("streams: [a, {stream: b}], epoch_size: 0, num_canonical_nodes: 0")
    #expect(specification == DatasetSpecification(streams: [StreamShare(stream: "a"), StreamShare(stream: "b")]))
  }

  @Test(arguments: [
    ("100", 100), ("1.5k", 1500), (" 2M ", 2_000_000), ("3b", 3_000_000_000), ("1t", 1_000_000_000_000), ("0", 0),
    ("0.0015k", 1), ("1 k", 1000),
  ])
  func epochSizes(text: String, size: Int) { #expect(EpochSize.parse(text) == size) }

  @Test(arguments: ["1e3", "1.5", "", "k", "-1", "-1k", "1.2.3k", "1kb", "ten", "99999999999999999999"])
  func epochSizesThatAreNone(text: String) { #expect(EpochSize.parse(text) == nil) }

  @Test(arguments: [
    ("streams: [{stream: a, proportion: 1, repeat: 2}]", "stands beside proportion"),
    ("streams: [{stream: a, proportion: -1}]", "at least 0, not -1"),
    ("streams: [{stream: a, choose: 1.5}]", "a whole number of at least 0"),
    ("streams: [{stream: a, repeat: .inf}]", "a number of at least 0"),
    ("streams: [{stream: a, proportion: 1}, b]", "streams[1]: has no proportion, but the first stream (a) has"),
    ("streams: [{stream: a, proportion: 1}, {stream: b, choose: 5}]", "streams[1].choose: has no proportion"),
    ("streams: [a, {stream: b, proportion: 1}]", "the first stream (a) has no proportion"),
    ("streams: [{stream: a, repeat: 2}], epoch_size: 10", "cannot stand beside repeat and choose"),
    ("streams: [{stream: a, proportion: 0}, {stream: b, proportion: 0}]", "no stream draws a sample"),
    ("streams: [{stream: a, choose: 0}]", "no stream draws a sample"),
    ("streams: [{stream: a, choose: 0}, b], batching_method: per_stream", "must be above 0 with batching_method"),
    ("streams: [{stream: a, proportion: 1e308}, {stream: b, proportion: 1e308}]", "add up to more"),
    ("streams: [a, a]", "stands in the dataset already"), ("streams: [d]", "no stream \"d\""),
    ("streams: [a], epoch_size: -5", "at least 0"), ("streams: [a], epoch_size: 1e3k", "at least 0"),
    ("streams: [a], shuffle_algo: py1f", "did you mean \"py1e\""), ("streams: [a], shuffle_seed: -1", "at least 0"),
    ("streams: [a], sampling_granularity: 0", "at least 1"), ("streams: [a], replication: 0", "from 1 to"),
    ("streams: [a], batching_method: striped", "must be one of random"), ("streams: [a], shuffle: 1", "true or false"),
    ("streams: [a], shuffle_block_size: 0", "at least 1"), ("streams: [a], partition_algo: strict", "relaxed, orig"),
    ("streams: [{proportion: 1}]", "\"stream\" is missing"), ("streams: [[a]]", "must be a map of keys"),
    ("streams: [{stream: a, weight: 2}]", "unknown key"), ("streams: [a], split: train", "unknown key"),
  ])
  func whatGivesNoPlan(text: String, message: String) {
    expectProblem(Self.three + "datasets: {d: {\(text)}}", message)
  }

  @Test func whatDoesGiveAPlan() throws {
    #expect(try dataset("streams: [a, b], epoch_size: 10").options.epochSize == 10)
    #expect(try dataset("streams: [{stream: a, choose: 0}, b]").streams[0].weight == .choose(0))
    #expect(
      try dataset("streams: [{stream: a, repeat: 2}, {stream: b, choose: 3}, c]").streams[2].weight == .unweighted)
    #expect(try dataset("streams: [a], epoch_size: 10.9").options.epochSize == 10)
  }

  @Test func overridesReplaceOptions() throws {
    let specification = try dataset("streams: [{stream: a, repeat: 2}], batch_size: 8, epoch_size: 0, replication: 2")
    let text = "{\"batch_size\": 16, \"shuffle\": true, \"shuffle_seed\": 3, \"num_canonical_nodes\": 4}"
    let changed = try DatasetConfiguration.apply(overrides: text, to: specification)
    #expect(changed.options.batchSize == 16 && changed.options.shuffle && changed.options.shuffleSeed == 3)
    #expect(changed.options.canonicalNodes == 4 && changed.options.replication == 2)
    #expect(changed.streams == specification.streams)
    #expect(try DatasetConfiguration.apply(overrides: "", to: specification) == specification)
    #expect(try DatasetConfiguration.apply(overrides: "{}", to: specification) == specification)
  }

  @Test(arguments: [
    ("{\"batchsize\": 4}", "overrides:1: batchsize: unknown key; did you mean \"batch_size\"?"),
    ("{\"streams\": []}", "cannot be overridden"), ("{\"epoch_size\": \"1k\"}", "cannot stand beside repeat"),
    ("[1]", "must be a map of keys"), ("batch_size: 4", "is not"),
    ("{\"batch_size\":\n \"4\"}", "overrides:1: batch_size"),
  ])
  func overridesThatCannotBe(text: String, message: String) throws {
    let specification = try dataset("streams: [{stream: a, repeat: 2}]")
    let error = #expect(throws: ConfigurationError.self) {
      try DatasetConfiguration.apply(overrides: text, to: specification)
    }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }
}
