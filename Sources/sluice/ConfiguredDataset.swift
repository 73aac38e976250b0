import BuiltInStreams
import DaemonConfiguration
import DatasetModel
import Planning
import ShardFormats
import StreamRegistry

/// A dataset of the daemon's configuration, with its streams' shards as their indexes state them.
struct ConfiguredDataset {
  let streams: [PlanStream]
  let options: DatasetOptions

  /// Reads the configuration and asks each of the dataset's streams for its index, without a daemon or its cache.
  static func load(_ name: DatasetName, configuration path: String) async throws -> ConfiguredDataset {
    let configured = try ConfiguredStreams(path: path)
    guard let dataset = configured.configuration.dataset(name) else {
      let known = configured.configuration.datasets.map(\.name.rawValue)
      throw ConfiguredStreams.Failure(
        description: "\(path) has no dataset \"\(name)\""
          + (known.isEmpty ? "; it names none" : "; known: \(known.joined(separator: ", "))")
          + NearestName.hint(name.rawValue, among: known))
    }
    var streams: [PlanStream] = []
    for share in dataset.specification.streams {
      let stream = try configured.stream(share.stream)
      let manifest = try await manifest(of: stream, configured)
      streams.append(
        PlanStream(name: stream.name, shardSamples: manifest.shards.map(\.samples), weight: share.weight))
    }
    return ConfiguredDataset(streams: streams, options: dataset.specification.options)
  }

  private static func manifest(
    of stream: StreamConfiguration, _ configured: ConfiguredStreams
  ) async throws -> StreamManifest {
    let source = try configured.source(of: stream)
    do {
      let answer = try await RetryingFetch().manifest(
        of: stream.name, from: source, policy: configured.policy(of: stream))
      switch answer {
      case .manifest(let manifest): return manifest
      case .documents(let documents, _):
        var parser = IndexParser(stream: stream.name)
        for document in documents { try parser.add(subdirectory: document.subdirectory, read: document.reader()) }
        return parser.finish()
      }
    } catch {
      throw ConfiguredStreams.Failure(description: "stream \"\(stream.name)\": its index cannot be loaded: \(error)")
    }
  }
}
