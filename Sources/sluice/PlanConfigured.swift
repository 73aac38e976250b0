import ArgumentParser
import DatasetModel
import Planning

/// The options that name a dataset of the daemon's configuration and a world to plan it for.
struct PlanConfiguredOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The daemon's configuration.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("The dataset's name in it.", valueName: "name"))
  var dataset: String?

  @Option(help: "Physical nodes.")
  var nodes = 1

  @Option(help: "Ranks of each node.")
  var ranksPerNode = 1

  @Option(help: "DataLoader workers of each rank.")
  var workersPerRank = 1

  @Option(help: "The epoch to plan.")
  var epoch = 0

  @Option(help: "Samples of the epoch already consumed by all ranks together.")
  var sampleInEpoch = 0

  @Option(help: "Nodes of the run that began the epoch, if it began elsewhere.")
  var initialPhysicalNodes: Int?

  /// Refuses a configuration without a dataset and the reverse.
  func checkCombination() throws {
    if config != nil, dataset == nil { throw ValidationError("--config needs --dataset NAME.") }
    if config == nil, dataset != nil { throw ValidationError("--dataset needs --config FILE.") }
  }

  /// The request for the named dataset; its streams' indexes are read from where the streams are.
  func request() async throws -> PlanRequest {
    guard let config, let dataset else { throw ValidationError("Give --config FILE and --dataset NAME.") }
    let described = try await ConfiguredDataset.load(DatasetName(dataset), configuration: config)
    return PlanRequest(
      streams: described.streams, options: described.options,
      world: World(nodes: nodes, ranksPerNode: ranksPerNode, workersPerRank: workersPerRank), epoch: epoch,
      resume: ResumePoint(epoch: epoch, sampleInEpoch: sampleInEpoch, initialPhysicalNodes: initialPhysicalNodes))
  }
}
