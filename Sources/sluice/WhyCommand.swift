import AdminDocuments
import ArgumentParser
import DaemonClient
import DatasetModel
import LinuxSystem
import LocalSocket
import WireProtocol

/// `sluice why`: what sessions spent their time waiting for.
struct WhyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why", abstract: "Show what ranks waited for, by cause, and what is outstanding now.",
    discussion: """
      Seconds by cause since the session opened: plan (an epoch is being planned), queue (no room in the cache, or no \
      turn to download), download (the remote), verify (digests and disk), decompress, client (the trainer did not ask: \
      it is the slow one). A wait for several shards belongs to the one that came last.
      """)

  @OptionGroup var daemon: DaemonOptions

  @Argument(help: "Only this rank.")
  var rank: Int?

  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
    let status: StatusDocument
    do {
      var client = try daemon.connect()
      defer { client.transport.connection.close() }
      status = try DaemonOptions.decode(try client.call(StatusRequest()).document)
    } catch { throw CommandFailure(explain(error, socket: daemon.path)) }
    let sessions = status.sessions.filter { rank == nil || $0.rank == rank }
    if json {
      print(try DaemonOptions.encode(sessions))
      return
    }
    guard !sessions.isEmpty else {
      throw CommandFailure(rank.map { "no session of rank \($0) is open" } ?? "no session is open")
    }
    print(WhyScreen(sessions).screen.text())
  }
}

/// Stalls and what is outstanding, as lines for a person.
struct WhyScreen {
  private(set) var screen = Screen()

  init(_ sessions: [SessionStatus]) {
    addTable(sessions)
    let waiting = sessions.filter { $0.waiting != nil }
    if waiting.isEmpty {
      screen.add("")
      screen.add("nobody waits now", .good)
    }
    for session in waiting { addWait(of: session) }
  }

  private mutating func addTable(_ sessions: [SessionStatus]) {
    let causes = StallSeconds.causes
    var table = TextTable(
      ["dataset", "rank"] + causes.map(\.name) + ["mostly"], rightAligned: Set(1...causes.count + 1),
      columns: screen.terminal?.columns)
    for session in sessions {
      let seconds = causes.map { $0.seconds(session.stalls) }
      let most = zip(causes, seconds).max { $0.1 < $1.1 }.flatMap { $0.1 > 0 ? $0.0.name : nil }
      table.add(
        [session.dataset, "\(session.rank)"]
          + seconds.map { Words.duration($0) } + [most ?? "nothing"])
    }
    screen.add(table.lines)
  }

  private mutating func addWait(of session: SessionStatus) {
    guard let wait = session.waiting else { return }
    screen.add("")
    screen.add(
      "\(session.dataset), rank \(session.rank) waits \(Words.duration(wait.seconds)): \(wait.cause)", .warning)
    screen.addWrapped(wait.what, indent: "  ")
    if let room = wait.room { screen.addWrapped(room, indent: "  ") }
    var table = TextTable(["shard", "stream", "phase", "done", "attempt"], columns: screen.terminal?.columns)
    for shard in wait.outstanding {
      let attempt = shard.attempt == 0 ? "not begun" : "\(shard.attempt)\(shard.cause.map { ", since \($0)" } ?? "")"
      let share = shard.total > 0 ? 100 * min(shard.bytes, shard.total) / shard.total : 0
      let done = shard.phase == "queue" ? "" : "\(share) % of \(ByteCount.describe(shard.total))"
      table.add([shard.shard, shard.stream, shard.phase, done, attempt])
    }
    if !table.isEmpty { screen.add(table.lines.map { "  \($0)" }) }
  }
}
