import AdminDocuments
import ArgumentParser
import WireProtocol

/// `sluice why`: what sessions spent their time waiting for.
struct WhyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why", abstract: "Show what ranks waited for, by cause, and what is outstanding now.")

  @OptionGroup var daemon: DaemonOptions

  @Argument(help: "Only this rank.")
  var rank: Int?

  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
    let status: StatusDocument
    do {
      var client = try daemon.connect()
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
    print(Self.table(sessions).joined(separator: "\n"))
    for download in status.transfer.active {
      print("downloading \(download.stream)/\(download.file): \(ProgressBar.text(download.bytes, of: download.total))")
    }
  }

  private static func table(_ sessions: [SessionStatus]) -> [String] {
    var table = TextTable(
      ["dataset", "rank", "plan", "queue", "download", "verify", "decompress", "client", "waits now for"],
      rightAligned: [1, 2, 3, 4, 5, 6, 7])
    for session in sessions {
      let stalls = session.stalls
      let seconds = [stalls.plan, stalls.queue, stalls.download, stalls.verify, stalls.decompress, stalls.client]
      table.add(
        [session.dataset, "\(session.rank)"] + seconds.map { "\(($0 * 10).rounded() / 10) s" }
          + [session.waitingFor ?? "nothing"])
    }
    return table.lines
  }
}
