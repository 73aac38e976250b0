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

  /// The world to plan for.
  var world: World { World(nodes: nodes, ranksPerNode: ranksPerNode, workersPerRank: workersPerRank) }

  /// Where the epoch continues.
  var resume: ResumePoint {
    ResumePoint(epoch: epoch, sampleInEpoch: sampleInEpoch, initialPhysicalNodes: initialPhysicalNodes)
  }

  /// The request for the named dataset.
  func request() async throws -> PlanRequest {
    throw ValidationError("--config is not built in yet.")
  }
}
