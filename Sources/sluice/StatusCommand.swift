import AdminDocuments
import ArgumentParser
import DaemonClient
import DatasetModel
import LocalSocket
import WireProtocol

/// `sluice status`: everything a daemon does, on one screen.
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show streams, datasets, sessions, cache and downloads.")

  @OptionGroup var daemon: DaemonOptions

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: "Show it again every so many seconds.")
  var watch: Double?

  func validate() throws {
    if let watch, !(watch >= 0.1) { throw ValidationError("--watch takes at least 0.1 seconds") }
  }

  func run() async throws {
    while true {
      let text: String
      do {
        var client = try daemon.connect()
        text = try client.call(StatusRequest()).document
        client.transport.connection.close()
      } catch { throw CommandFailure(explain(error, socket: daemon.path)) }
      let screen = json ? text : StatusScreen(try DaemonOptions.decode(text)).lines.joined(separator: "\n")
      // A watched screen is drawn from its top left corner.
      print(watch == nil || json ? screen : "\u{1b}[H\u{1b}[2J" + screen)
      guard let watch else { return }
      try await Task.sleep(for: .seconds(watch))
    }
  }
}

/// A status document as lines for a person.
struct StatusScreen {
  private let status: StatusDocument

  init(_ status: StatusDocument) { self.status = status }

  var lines: [String] {
    var lines = head
    lines += section("STREAMS", streams)
    lines += section("DATASETS", datasets)
    lines += section("SESSIONS", sessions)
    lines += section("CACHE", cache)
    lines += section("DOWNLOADS", downloads)
    if !status.errors.isEmpty {
      lines += ["", "LAST ERRORS"] + status.errors.prefix(5).map { "  \($0.message)" }
    }
    return lines
  }

  private var head: [String] {
    let daemon = status.daemon
    return [
      "sluiced \(daemon.version), process \(daemon.process), up \(Self.duration(daemon.uptimeSeconds)): \(daemon.state)",
      daemon.detail,
    ]
  }

  private func section(_ title: String, _ body: [String]) -> [String] {
    ["", title] + (body.isEmpty ? ["  none"] : body.map { "  \($0)" })
  }

  private var streams: [String] {
    var table = TextTable(["name", "state", "shards", "samples", "size", "location"], rightAligned: [2, 3, 4])
    for stream in status.streams {
      table.add([
        stream.name, stream.state, "\(stream.shards)", "\(stream.samples)", ByteCount.describe(stream.bytes),
        stream.location,
      ])
    }
    return table.isEmpty ? [] : table.lines
  }

  private var datasets: [String] {
    var table = TextTable(["name", "batch", "batching", "shuffle", "streams"], rightAligned: [1])
    for dataset in status.datasets {
      table.add([
        dataset.name, "\(dataset.batchSize)", dataset.batchingMethod, dataset.shuffle,
        dataset.streams.joined(separator: ", "),
      ])
    }
    return table.isEmpty ? [] : table.lines
  }

  private var sessions: [String] {
    var table = TextTable(
      ["#", "dataset", "rank", "epoch", "batch", "samples/s", "bytes/s", "idle", "client", "waits for"],
      rightAligned: [0, 2, 3, 4, 5, 6, 7])
    for session in status.sessions {
      table.add([
        "\(session.number)", session.dataset, "\(session.rank)/\(session.ranks)", "\(session.epoch)",
        "\(session.batch)/\(session.batches)", "\(Int(session.samplesPerSecond))",
        ByteCount.describe(Int(session.bytesPerSecond)), Self.duration(session.idleSeconds),
        "\(session.client) (\(session.process))", session.waitingFor ?? "",
      ])
    }
    return table.isEmpty ? [] : table.lines
  }

  private var cache: [String] { CacheScreen(status.cache).summary }

  private var downloads: [String] {
    let transfer = status.transfer
    let retries = transfer.retries.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    let head =
      "\(ByteCount.describe(transfer.bytes)) in \(transfer.attempts) attempts, now "
      + "\(ByteCount.describe(Int(transfer.bytesPerSecond)))/s, \(transfer.queued) waiting"
    var table = TextTable(
      ["stream", "files", "bytes", "seconds", "attempts", "retries", "failed"], rightAligned: [1, 2, 3, 4, 5, 6])
    for stream in transfer.streams {
      table.add([
        stream.stream, "\(stream.files)", ByteCount.describe(stream.bytes), "\((stream.seconds * 10).rounded() / 10)",
        "\(stream.attempts)", "\(stream.retries)", "\(stream.failures)",
      ])
    }
    return [retries.isEmpty ? head : head + "; retries: " + retries.joined(separator: ", ")]
      + (table.isEmpty ? [] : table.lines)
      + transfer.active.map { download in
        "\(ProgressBar.text(download.bytes, of: download.total)) \(download.stream)/\(download.file)"
          + (download.attempt > 1 ? ", attempt \(download.attempt)" : "")
      }
  }

  static func duration(_ seconds: Double) -> String {
    let whole = Int(max(0, seconds))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min" }
    if whole < 86_400 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
    return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
  }
}

/// How much of something is done, as twenty characters and a share.
enum ProgressBar {
  static func text(_ done: Int, of total: Int) -> String {
    let share = total > 0 ? min(1, Double(done) / Double(total)) : 0
    let filled = Int(share * 20)
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
    return "\(bar) \(Int(share * 100)) %"
  }
}
