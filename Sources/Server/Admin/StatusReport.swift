import AdminDocuments
import DaemonConfiguration
import DatasetModel
import LinuxSystem
import StreamRegistry
import WireProtocol

extension AdminService {
  /// The document behind `sluice status`.
  func statusDocument() throws -> String { try Self.encode(status()) }

  /// How everything is now.
  func status() -> StatusDocument {
    let configuration = datasets.current
    let now = clock.now
    let standings = streams.allStandings()
    let reply = health.reply
    let transfer = shards.transferStatus()
    let open = sessions.all.map { session in
      var status = session.status(now: now, cache: shards.cache)
      status.waiting?.note(transfer.active)
      return status
    }
    return StatusDocument(
      daemon: DaemonStatus(
        version: DaemonVersion.text, process: PeerCredentials.ownProcess, uptimeSeconds: now,
        state: "\(reply.state)", detail: reply.detail, configuration: configurationFile,
        connections: metrics.connections),
      streams: configuration.streams.map { stream in
        Self.status(of: stream.name, kind: stream.kind, location: stream.location, standings[stream.name])
      },
      datasets: configuration.datasets.map { dataset in
        let options = dataset.specification.options
        return DatasetStatus(
          name: dataset.name.rawValue, streams: dataset.specification.streams.map(\.stream.rawValue),
          batchSize: options.batchSize, batchingMethod: options.batchingMethod,
          shuffle: options.shuffle ? options.shuffleAlgorithm : "off")
      },
      sessions: open, cache: shards.cacheStatus(), transfer: transfer,
      errors: errors.all)
  }

  private static func status(
    of name: StreamName, kind: String, location: String, _ standing: StreamCatalog.Standing?
  ) -> StreamStatus {
    var status = StreamStatus(
      name: name.rawValue, kind: kind, location: location, state: "loading", shards: 0, samples: 0, bytes: 0, error: nil
    )
    switch standing {
    case .ready(let stream):
      status.state = stream.staleBecause == nil ? "ready" : "stale"
      status.error = stream.staleBecause
      status.shards = stream.manifest.shards.count
      status.samples = stream.manifest.samples
      status.bytes = stream.rawBytes
    case .failed(let error):
      status.state = "failed"
      status.error = error
    case .loading, nil: break
    }
    return status
  }
}
