import DatasetModel
import Testing

@testable import Planning

/// 72 whole tensors of the reference (planning_vectors.json), entry by entry, with the derived proportions' bits.
struct PlanningVectorsTests {
  @Test(arguments: [1, 3])
  func everyTensorIsTheReferences(threads: Int) async throws {
    let file = try JSONValue(try Fixtures.read("planning_vectors.json"))
    let vectors = try #require(file["vectors"]?.elements)
    #expect(vectors.count == 72)
    for vector in vectors {
      let request = try Self.request(vector)
      let id = vector["id"]?.integer ?? -1
      let setup = try EpochSetup(request)
      #expect(setup.weights.choosePerStream == vector["choose"]?.elements?.compactMap(\.integer), "vector \(id)")
      #expect(setup.epochSize == vector["derived_epoch_size"]?.integer, "vector \(id)")
      #expect(
        setup.weights.proportions.map(\.bitPattern) == vector["proportion_bits"]?.elements?.compactMap(\.hexadecimal),
        "vector \(id)")
      let plan = try await makePlan(request, threads: threads)
      #expect(plan.shape.dimensions == vector["shape"]?.elements?.compactMap(\.integer), "vector \(id)")
      #expect(plan.tensorHead(.max) == vector["tensor"]?.elements?.compactMap(\.integer), "vector \(id)")
    }
  }

  private static func request(_ vector: JSONValue) throws -> PlanRequest {
    let config = try #require(vector["config"])
    var options = DatasetOptions()
    options.epochSize = config["epoch_size"]?.integer
    options.batchSize = try #require(config["batch_size"]?.integer)
    options.canonicalNodes = config["num_canonical_nodes"]?.integer
    options.samplingMethod = try #require(config["sampling_method"]?.text)
    options.samplingGranularity = try #require(config["sampling_granularity"]?.integer)
    options.partitionAlgorithm = try #require(config["partition_algo"]?.text)
    options.shuffle = config["shuffle"] == .boolean(true)
    options.shuffleAlgorithm = try #require(config["shuffle_algo"]?.text)
    options.shuffleSeed = try #require(config["shuffle_seed"]?.integer)
    options.shuffleBlockSize = config["shuffle_block_size"]?.integer
    options.batchingMethod = try #require(config["batching_method"]?.text)
    let streams = try #require(vector["streams"]?.elements).enumerated().map { index, stream in
      let weight: StreamWeight =
        switch stream["weight"]?.text {
        case "proportion": .proportion(try #require(stream["value"]?.double))
        case "repeat": .repeated(try #require(stream["value"]?.double))
        case "choose": .choose(try #require(stream["value"]?.integer))
        default: .unweighted
        }
      let shards = try #require(stream["shards"]?.elements).compactMap(\.integer)
      return PlanStream(name: StreamName("s\(index)"), shardSamples: shards, weight: weight)
    }
    let world = try #require(vector["world"])
    let epoch = try #require(vector["epoch"]?.integer)
    return PlanRequest(
      streams: streams, options: options,
      world: World(
        nodes: try #require(world["nodes"]?.integer), ranksPerNode: try #require(world["ranks_per_node"]?.integer),
        workersPerRank: try #require(world["workers_per_rank"]?.integer)),
      epoch: epoch,
      resume: ResumePoint(
        epoch: epoch, sampleInEpoch: vector["sample_in_epoch"]?.integer ?? 0,
        initialPhysicalNodes: vector["initial_physical_nodes"]?.integer))
  }
}
