import DaemonConfiguration
import DatasetModel
import StreamRegistry
import WireProtocol

/// The registered datasets, and those that clients bring along: each loaded once for all who open it.
final class DatasetCatalog: Sendable {
  /// Loaded datasets kept; sessions hold on to theirs anyhow.
  static let kept = 256

  private struct Key: Hashable, Sendable {
    let name: String
    let specification: DatasetSpecification
    let streams: [StreamConfiguration]
  }

  private let live: LiveConfiguration
  private let streams: StreamCatalog
  private let datasets = SharedResults<Key, LoadedDataset>(limit: DatasetCatalog.kept)

  init(_ live: LiveConfiguration, streams: StreamCatalog) {
    self.live = live
    self.streams = streams
  }

  /// The configuration in force.
  var current: Configuration { live.value }

  /// Puts another configuration in force; sessions keep what they opened.
  func replace(with new: Configuration) { live.replace(with: new) }

  /// The dataset an open request means, with its streams loaded.
  func dataset(_ request: OpenRequest) async throws -> LoadedDataset {
    let configuration = current
    let named = try Self.resolve(request, configuration)
    let specification: DatasetSpecification
    do {
      specification = try DatasetConfiguration.apply(overrides: request.overrides, to: named.specification)
    } catch {
      throw ServerError(.badSpecification, "\(error)", cause: error)
    }
    let key = Key(name: named.name, specification: specification, streams: named.streams)
    return try await loaded(key)
  }

  /// A registered dataset without overrides, for prefetching.
  func dataset(named name: DatasetName) async throws -> LoadedDataset {
    let named = try Self.registered(name.rawValue, current)
    return try await loaded(Key(name: named.name, specification: named.specification, streams: named.streams))
  }

  private func loaded(_ key: Key) async throws -> LoadedDataset {
    // A stream's standing may have changed since: asking the catalog again is what tries a failed one anew.
    var members: [LoadedStream] = []
    try await withThrowingTaskGroup(of: (Int, LoadedStream).self) { group in
      for (index, configuration) in key.streams.enumerated() {
        group.addTask { [streams] in (index, try await streams.stream(configuration)) }
      }
      var found: [Int: LoadedStream] = [:]
      for try await (index, stream) in group { found[index] = stream }
      members = found.sorted { $0.key < $1.key }.map(\.value)
    }
    let loaded = members
    let dataset = try await datasets.value(for: key) {
      LoadedDataset(name: DatasetName(key.name), specification: key.specification, streams: loaded)
    }
    if zip(dataset.streams, loaded).allSatisfy({ $0 === $1 }) { return dataset }
    // A stream was loaded anew since: the kept dataset is of the old index.
    datasets.forget(key)
    return try await datasets.value(for: key) {
      LoadedDataset(name: DatasetName(key.name), specification: key.specification, streams: loaded)
    }
  }

  private struct Named {
    let name: String
    let specification: DatasetSpecification
    let streams: [StreamConfiguration]
  }

  private static func resolve(_ request: OpenRequest, _ configuration: Configuration) throws(ServerError) -> Named {
    switch request.dataset {
    case .named(let name): return try registered(name, configuration)
    case .inline(let document):
      do {
        let inline = try DatasetConfiguration.parse(
          document: document, rules: configuration.inlineDatasets, registered: configuration.streams.map(\.name))
        let own = Dictionary(inline.streams.map { ($0.name, $0) }) { first, _ in first }
        let streams = inline.specification.streams.compactMap { own[$0.stream] ?? configuration.stream($0.stream) }
        return Named(name: "inline", specification: inline.specification, streams: streams)
      } catch {
        let code: ErrorCode = configuration.inlineDatasets.isEnabled ? .badSpecification : .notPermitted
        throw ServerError(code, "\(error)", cause: error)
      }
    }
  }

  private static func registered(_ name: String, _ configuration: Configuration) throws(ServerError) -> Named {
    guard let dataset = configuration.dataset(DatasetName(name)) else {
      let known = configuration.datasets.map(\.name.rawValue)
      let list = known.isEmpty ? "none is registered" : "registered are \(known.joined(separator: ", "))"
      throw ServerError(
        .unknownDataset, "no dataset is called \"\(name)\"; \(list)\(NearestName.hint(name, among: known))")
    }
    return Named(
      name: name, specification: dataset.specification,
      streams: dataset.specification.streams.compactMap { configuration.stream($0.stream) })
  }
}
