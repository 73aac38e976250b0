import AdminDocuments
import WireProtocol

/// The daemon's state as Prometheus's text format (version 0.0.4): names and units by its conventions.
///
/// Labels are bounded: streams and datasets by `BoundedLabels`, everything else by what the code names.
struct MetricsText {
  private let status: StatusDocument
  private let counts: DaemonMetrics.Snapshot
  private let sums: [String: ServedSums]
  private let metrics: DaemonMetrics
  private var writer = MetricsWriter()

  static func of(_ parts: DaemonParts) -> String {
    var text = MetricsText(
      status: parts.admin.status(), counts: parts.metrics.snapshot, sums: parts.sessions.sums, metrics: parts.metrics)
    text.addDaemon()
    text.addServing()
    text.addStalls()
    text.addPlans()
    text.addCache()
    text.addTransfer()
    text.addStreams()
    return text.writer.text
  }

  private init(
    status: StatusDocument, counts: DaemonMetrics.Snapshot, sums: [String: ServedSums], metrics: DaemonMetrics
  ) {
    self.status = status
    self.counts = counts
    self.sums = sums
    self.metrics = metrics
  }

  private mutating func addDaemon() {
    let daemon = status.daemon
    writer.gauge("sluice_build_info", "1, with the daemon's version.", [([("version", daemon.version)], 1)])
    writer.gauge(
      "process_start_time_seconds", "When the daemon started, in seconds since 1970.",
      [([], metrics.started)])
    writer.gauge(
      "sluice_health", "1 for the state the daemon is in, 0 for the others.",
      [HealthReply.State.starting, .ready, .degraded, .draining].map {
        ([("state", "\($0)")], "\($0)" == daemon.state ? 1 : 0)
      })
    writer.gauge("sluice_connections", "Open connections.", [([], Double(daemon.connections))])
  }

  private var datasets: [(label: String, sums: ServedSums)] {
    sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private mutating func addServing() {
    writer.histogram(
      "sluice_request_duration_seconds", "Seconds from a request read to its reply written, by kind.",
      zip(RequestClass.allCases, counts.requests).map { ([("kind", $0.rawValue)], $1) })
    writer.counter(
      "sluice_request_errors_total", "Errors that clients were told, by code.",
      counts.errors.sorted { $0.key < $1.key }.map { ([("code", $0.key)], Double($0.value)) })
    writer.counter(
      "sluice_sessions_opened_total", "Sessions opened, by dataset.",
      datasets.map { ([("dataset", $0.label)], Double($0.sums.sessions)) })
    writer.gauge(
      "sluice_sessions", "Open sessions, by dataset.", open { _ in 1 })
    writer.counter(
      "sluice_served_batches_total", "Device batches served, by dataset.",
      datasets.map { ([("dataset", $0.label)], Double($0.sums.batches)) })
    writer.counter(
      "sluice_served_samples_total", "Samples served, by dataset.",
      datasets.map { ([("dataset", $0.label)], Double($0.sums.samples)) })
    writer.counter(
      "sluice_served_bytes_total", "Sample bytes served, by dataset.",
      datasets.map { ([("dataset", $0.label)], Double($0.sums.bytes)) })
  }

  /// A value of open sessions, by dataset.
  private func open(_ value: (SessionStatus) -> Double) -> [MetricsWriter.Sample] {
    status.sessions.map { ([("dataset", metrics.datasets.label($0.dataset))], value($0)) }.summed()
  }

  private mutating func addStalls() {
    writer.counter(
      "sluice_stall_seconds_total", "Seconds that sessions spent in waits that are over, by dataset and cause.",
      datasets.flatMap { label, sums in
        StallSeconds.causes.map { ([("dataset", label), ("cause", $0.name)], $0.seconds(sums.stalls)) }
      })
    writer.gauge(
      "sluice_sessions_waiting", "Sessions with a request that waits now, by dataset and cause.",
      status.sessions.flatMap { session in
        StallSeconds.causes.filter { $0.name != "client" }.map { cause in
          (
            [("dataset", metrics.datasets.label(session.dataset)), ("cause", cause.name)],
            session.waiting?.cause == cause.name ? 1 : 0
          )
        }
      }.summed())
    writer.gauge(
      "sluice_longest_wait_seconds", "Seconds that the longest wait of now has lasted; 0 when nobody waits.",
      [([], status.sessions.compactMap(\.waiting?.seconds).max() ?? 0)])
  }

  private mutating func addPlans() {
    writer.histogram(
      "sluice_plan_duration_seconds", "Seconds that it took to come by an epoch's plan, by where it came from.",
      DaemonMetrics.PlanSource.allCases.compactMap { source in
        counts.plans[source].map { ([("source", source.rawValue)], $0) }
      })
  }

  private mutating func addCache() {
    let cache = status.cache
    writer.gauge(
      "sluice_cache_bytes", "Bytes that count against the cache limit, by what they are.",
      [
        ([("kind", "used")], Double(cache.used)), ([("kind", "reserved")], Double(cache.reserved)),
        ([("kind", "unlinking")], Double(cache.unlinking)), ([("kind", "quarantined")], Double(cache.quarantined)),
      ])
    if let limit = cache.limit {
      writer.gauge("sluice_cache_limit_bytes", "The configured cache limit.", [([], Double(limit))])
    }
    writer.gauge("sluice_cache_shards", "Shards in the cache.", [([], Double(cache.shards))])
    writer.counter(
      "sluice_cache_requests_total", "Shards that requests wanted, by whether they were there or on their way.",
      [
        ([("result", "hit")], Double(cache.hits)), ([("result", "underway")], Double(cache.joins)),
        ([("result", "miss")], Double(cache.misses)),
      ])
    writer.counter("sluice_cache_evictions_total", "Shards evicted.", [([], Double(cache.evictions))])
    writer.gauge(
      "sluice_cache_stream_bytes", "Bytes in the cache, by stream.", byStream(cache.streams, \.stream) { $0.bytes })
    writer.histogram(
      "sluice_cache_shard_duration_seconds", "Seconds from a shard's reservation to its commit.",
      [([], counts.shardSeconds)])
    writer.histogram(
      "sluice_cache_shard_size_bytes", "Bytes of the shards that came into the cache.", [([], counts.shardBytes)])
  }

  private func byStream<Status>(
    _ streams: [Status], _ name: KeyPath<Status, String>, _ value: (Status) -> Int
  ) -> [MetricsWriter.Sample] {
    streams.map { ([("stream", metrics.streams.label($0[keyPath: name]))], Double(value($0))) }.summed()
  }

  private mutating func addTransfer() {
    let transfer = status.transfer
    writer.counter(
      "sluice_transfer_bytes_total", "Bytes downloaded, by stream; those of failed attempts included.",
      byStream(transfer.streams, \.stream) { $0.bytes })
    writer.counter(
      "sluice_transfer_files_total", "Files downloaded, by stream.", byStream(transfer.streams, \.stream) { $0.files })
    writer.counter(
      "sluice_transfer_attempts_total", "Downloads begun, by stream; retries included.",
      byStream(transfer.streams, \.stream) { $0.attempts })
    writer.counter(
      "sluice_transfer_failures_total", "Downloads given up, by stream.",
      byStream(transfer.streams, \.stream) { $0.failures })
    writer.counter(
      "sluice_transfer_retries_total", "Downloads tried again, by cause.",
      transfer.retries.sorted { $0.key < $1.key }.map { ([("cause", $0.key)], Double($0.value)) })
    writer.gauge("sluice_transfer_active", "Downloads under way.", [([], Double(transfer.active.count))])
    writer.gauge("sluice_transfer_queued", "Downloads that wait for a turn.", [([], Double(transfer.queued))])
  }

  private mutating func addStreams() {
    writer.gauge(
      "sluice_stream_ready",
      "1 when the stream's index is loaded from its remote; of those under `other` how many are.",
      byStream(status.streams, \.name) { $0.state == "ready" ? 1 : 0 })
    writer.gauge("sluice_stream_samples", "Samples, by stream.", byStream(status.streams, \.name) { $0.samples })
    writer.gauge("sluice_stream_bytes", "Raw bytes, by stream.", byStream(status.streams, \.name) { $0.bytes })
  }
}
