import AdminDocuments
import DatasetModel
import LinuxSystem

/// A status document as lines for a person: what is wrong first, then who is served, then from what.
struct StatusScreen {
  private let status: StatusDocument
  private(set) var screen: Screen

  /// Errors shown.
  private static let errors = 5

  init(_ status: StatusDocument, _ screen: Screen = Screen()) {
    self.status = status
    self.screen = screen
    addHead()
    addSessions()
    addDownloads()
    addTitle("CACHE", CacheScreen(status.cache).share)
    self.screen.add(CacheScreen(status.cache).summary.map { "  \($0)" })
    addStreams()
    addDatasets()
    addErrors()
  }

  private mutating func addHead() {
    let daemon = status.daemon
    let tone: Screen.Tone =
      switch daemon.state {
      case "ready": .good
      case "degraded", "starting": .warning
      default: .bad
      }
    screen.add(
      "\(daemon.state.uppercased())  sluiced \(daemon.version), process \(daemon.process), up "
        + "\(Words.duration(daemon.uptimeSeconds)), \(Words.count(daemon.connections, "connection"))", tone)
    screen.addWrapped(daemon.detail, indent: "  ")
    screen.addWrapped("configuration \(daemon.configuration)", indent: "  ", .faint)
  }

  private mutating func addTitle(_ title: String, _ summary: String) {
    screen.add("")
    screen.add(summary.isEmpty ? title : "\(title)  \(summary)", .title)
  }

  private mutating func addTable(_ table: TextTable) { screen.add(table.lines.map { "  \($0)" }) }

  private mutating func addSessions() {
    let waiting = status.sessions.filter { $0.waiting != nil }.count
    let open = status.sessions.isEmpty ? "none open" : "\(status.sessions.count) open"
    addTitle("SESSIONS", waiting > 0 ? "\(open), \(waiting) waiting (sluice why)" : open)
    guard !status.sessions.isEmpty else { return }
    // On a narrow screen what a session is at is worth more than who it is.
    let isWide = screen.terminal.map { $0.columns >= 100 } ?? true
    let who = isWide ? ["bytes/s", "client"] : []
    var table = TextTable(
      ["#", "dataset", "rank", "epoch", "batch", "samples/s"] + who + ["now"], rightAligned: [0, 2, 3, 4, 5, 6],
      columns: screen.terminal?.columns)
    for session in status.sessions.sorted(by: Self.isMoreUrgent) {
      let who = [ByteCount.describe(Int(session.bytesPerSecond)), "\(session.client) (\(session.process))"]
      table.add(
        [
          "\(session.number)", session.dataset, "\(session.rank)/\(session.ranks)", "\(session.epoch)",
          "\(session.batch)/\(session.batches)", Words.number(Int(session.samplesPerSecond)),
        ] + (isWide ? who : []) + [Self.present(session)])
    }
    addTable(table)
  }

  /// Who waits longest comes first.
  private static func isMoreUrgent(_ left: SessionStatus, _ right: SessionStatus) -> Bool {
    let (first, second) = (left.waiting?.seconds ?? -1, right.waiting?.seconds ?? -1)
    return first == second ? left.number < right.number : first > second
  }

  /// What a session is at.
  private static func present(_ session: SessionStatus) -> String {
    guard let wait = session.waiting else {
      return session.idleSeconds < 2 ? "served" : "asked \(Words.duration(session.idleSeconds)) ago"
    }
    return "waits \(Words.duration(wait.seconds)) (\(wait.cause)) for \(wait.what)"
  }

  private mutating func addDownloads() {
    let transfer = status.transfer
    addTitle(
      "DOWNLOADS",
      "\(transfer.active.count) under way, \(transfer.queued) waiting, "
        + "\(ByteCount.describe(Int(transfer.bytesPerSecond)))/s, \(ByteCount.describe(transfer.bytes)) so far")
    let retries = transfer.retries.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
    if !retries.isEmpty { screen.add("  tried again: " + retries.joined(separator: ", "), .warning) }
    for download in transfer.active {
      screen.add(
        "  \(ProgressBar.text(download.bytes, of: download.total)) of \(ByteCount.describe(download.total)), "
          + "\(Words.duration(download.seconds)): \(download.stream)/\(download.file)"
          + (download.attempt > 1 ? ", attempt \(download.attempt)" : ""))
    }
    var table = TextTable(
      ["stream", "files", "bytes", "attempts", "retries", "failed"], rightAligned: [1, 2, 3, 4, 5],
      columns: screen.terminal?.columns)
    for stream in transfer.streams {
      table.add([
        stream.stream, Words.number(stream.files), ByteCount.describe(stream.bytes), Words.number(stream.attempts),
        Words.number(stream.retries), Words.number(stream.failures),
      ])
    }
    if !table.isEmpty { addTable(table) }
  }

  private mutating func addStreams() {
    let good = status.streams.filter { $0.state == "ready" }.count
    addTitle("STREAMS", "\(good) of \(status.streams.count) ready")
    var table = TextTable(
      ["name", "state", "shards", "samples", "size", "location"], rightAligned: [2, 3, 4],
      columns: screen.terminal?.columns)
    for stream in status.streams {
      table.add([
        stream.name, stream.state, Words.number(stream.shards), Words.number(stream.samples),
        ByteCount.describe(stream.bytes), stream.location,
      ])
    }
    if !table.isEmpty { addTable(table) }
    for stream in status.streams {
      // The head says it already where it is what is wrong with the daemon.
      if let error = stream.error, !status.daemon.detail.contains(error) {
        screen.addWrapped("\(stream.name): \(error)", indent: "  ", .warning)
      }
    }
  }

  private mutating func addDatasets() {
    addTitle("DATASETS", status.datasets.isEmpty ? "none" : "\(status.datasets.count)")
    var table = TextTable(
      ["name", "batch", "batching", "shuffle", "streams"], rightAligned: [1], columns: screen.terminal?.columns)
    for dataset in status.datasets {
      table.add([
        dataset.name, "\(dataset.batchSize)", dataset.batchingMethod, dataset.shuffle,
        dataset.streams.joined(separator: ", "),
      ])
    }
    if !table.isEmpty { addTable(table) }
  }

  private mutating func addErrors() {
    guard !status.errors.isEmpty else { return }
    addTitle("LAST ERRORS", "")
    let now = WallClock.seconds()
    for error in status.errors.prefix(Self.errors) {
      screen.addWrapped("\(Words.duration(now - error.time)) ago: \(error.message)", indent: "  ", .bad)
    }
    if status.errors.count > Self.errors { screen.add("  … and \(status.errors.count - Self.errors) before", .faint) }
  }
}
