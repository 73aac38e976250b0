import BuiltInStreams
import DaemonConfiguration
import DatasetModel
import Planning
import ShardFormats
import StreamRegistry
import Transfer

/// A dataset of the daemon's configuration, with its streams' shards as their indexes state them.
struct ConfiguredDataset {
  let streams: [PlanStream]
  let options: DatasetOptions

  /// Why a dataset cannot be planned from the configuration alone.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Reads the configuration and asks each of the dataset's streams for its index, without a daemon or its cache.
  static func load(_ name: DatasetName, configuration path: String) async throws -> ConfiguredDataset {
    let configuration = try Configuration.load(path: path)
    guard let dataset = configuration.dataset(name) else {
      let known = configuration.datasets.map(\.name.rawValue)
      throw Failure(
        description: "\(path) has no dataset '\(name)'"
          + (known.isEmpty ? "; it names none" : "; known: \(known.joined(separator: ", "))"))
    }
    var registry = StreamRegistry()
    try BuiltInKinds.register(in: &registry, transport: SessionTransport())
    var streams: [PlanStream] = []
    for share in dataset.specification.streams {
      guard let stream = configuration.stream(share.stream) else {
        throw Failure(description: "\(path) has no stream '\(share.stream)', which dataset '\(name)' draws from")
      }
      let manifest = try await manifest(of: stream, registry, path: path)
      streams.append(
        PlanStream(name: stream.name, shardSamples: manifest.shards.map(\.samples), weight: share.weight))
    }
    return ConfiguredDataset(streams: streams, options: dataset.specification.options)
  }

  private static func manifest(
    of stream: StreamConfiguration, _ registry: StreamRegistry, path: String
  ) async throws -> StreamManifest {
    do {
      switch try await registry.source(for: stream).manifest() {
      case .manifest(let manifest): return manifest
      case .documents(let documents, _):
        return try parseIndexes(documents.map { ($0.subdirectory, $0.bytes) }, stream: stream.name)
      }
    } catch let problems as ConfigurationProblems {
      throw ConfigurationError(file: path, problems.problems)
    } catch {
      throw Failure(description: "stream '\(stream.name)': its index cannot be loaded: \(error)")
    }
  }
}
