import ArgumentParser
import DaemonClient
import Dispatch
import Foundation
import LinuxSystem
import LocalSocket
import WireProtocol

/// `sluice health`: a probe that an orchestrator can use.
struct HealthCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health", abstract: "Ask a daemon how it is.",
    discussion: """
      Exit status: 0 ready, 3 degraded (it serves, but something is wrong), 4 starting or draining, 1 no answer. With \
      --ready, degraded counts as ready; with --live, any answer is enough.
      """)

  @OptionGroup var daemon: DaemonOptions

  @Flag(help: "0 if it answers at all.")
  var live = false

  @Flag(help: "0 if it serves, degraded or not.")
  var ready = false

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: "Seconds to keep asking until the daemon is ready.")
  var wait: Double?

  /// What a probe found.
  private struct Finding: Encodable {
    var state: String
    var detail: String
    var status: Int32
  }

  func validate() throws {
    if live && ready { throw ValidationError("--live and --ready cannot both be asked for") }
    if let wait, !(wait > 0) { throw ValidationError("--wait takes more than 0 seconds") }
  }

  func run() async throws {
    let deadline = ContinuousClock.now + .seconds(wait ?? 0)
    var finding = probe()
    while finding.status != 0, finding.status != 3, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(100))
      finding = probe()
    }
    if json {
      print(try DaemonOptions.encode(finding))
    } else {
      print("\(finding.state): \(finding.detail)")
    }
    let answered = finding.status != 1
    let serves = finding.status == 0 || finding.status == 3
    if live ? answered : ready ? serves : finding.status == 0 { return }
    throw ExitCode(finding.status)
  }

  private func probe() -> Finding {
    do {
      var client = try daemon.connect()
      defer { client.transport.connection.close() }
      let reply = try client.call(HealthRequest())
      let status: Int32 =
        switch reply.state {
        case .ready: 0
        case .degraded: 3
        case .starting, .draining: 4
        }
      return Finding(state: "\(reply.state)", detail: reply.detail, status: status)
    } catch {
      return Finding(state: "unreachable", detail: explain(error, socket: daemon.path), status: 1)
    }
  }
}
