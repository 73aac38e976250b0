import AdminDocuments
import ArgumentParser
import DaemonClient
import LinuxSystem
import LocalSocket
import WireProtocol

/// `sluice status`: everything a daemon does, on one screen.
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show sessions, downloads, cache, streams, datasets and the last errors.",
    discussion: "See `sluice why` for what ranks waited for, `sluice cache` for what the cache holds.")

  @OptionGroup var daemon: DaemonOptions

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: "Show it again every so many seconds.")
  var watch: Double?

  func validate() throws {
    if let watch, !(watch >= 0.1) { throw ValidationError("--watch takes at least 0.1 seconds") }
  }

  func run() async throws {
    guard let watch else {
      print(try picture(fits: false))
      return
    }
    while true {
      // A daemon that is away for a while, to be restarted for instance, is what one watches for.
      let picture: String
      do { picture = try self.picture(fits: true) } catch { picture = "\(error)" }
      // Drawn over the last one from the top left corner, so that nothing flickers.
      let isTerminal = Terminal.ofStandardOutput != nil && !json
      print(
        isTerminal
          ? "\u{1b}[H"
            + picture.split(separator: "\n", omittingEmptySubsequences: false)
            .joined(separator: "\u{1b}[K\n") + "\u{1b}[K\u{1b}[J" : picture)
      try await Task.sleep(for: .seconds(watch))
    }
  }

  private func picture(fits: Bool) throws -> String {
    do {
      var client = try daemon.connect()
      defer { client.transport.connection.close() }
      let text = try client.call(StatusRequest()).document
      return json ? text : StatusScreen(try DaemonOptions.decode(text)).screen.text(fits: fits)
    } catch { throw CommandFailure(explain(error, socket: daemon.path)) }
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
