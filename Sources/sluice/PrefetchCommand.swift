import AdminDocuments
import ArgumentParser
import DatasetModel
import Foundation
import LinuxSystem

/// `sluice prefetch`: warms a node before a job.
struct PrefetchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prefetch", abstract: "Bring a dataset's shards into the cache, as far as its limit allows.")

  @OptionGroup var daemon: DaemonOptions

  @Argument(help: "The dataset.")
  var dataset: String

  func run() async throws {
    let isTerminal = StandardError.isTerminal
    let document: PrefetchDocument
    do {
      document = try daemon.admin("prefetch", PrefetchArgument(dataset: dataset), timeout: 86_400) { text in
        // A line that cannot be read is a progress bar not drawn.
        guard isTerminal, let progress: PrefetchDocument = try? DaemonOptions.decode(text) else { return }
        FileHandle.standardError.write(Data("\r\(Self.line(progress))\u{1b}[K".utf8))
      }
    } catch { throw CommandFailure(explain(error, socket: daemon.path)) }
    if isTerminal { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
    print(Self.line(document))
    for failure in document.failures { print("failed: \(failure)") }
    if !document.failures.isEmpty { throw ExitCode(1) }
  }

  private static func line(_ document: PrefetchDocument) -> String {
    "\(ProgressBar.text(document.bytes, of: document.totalBytes)) \(document.shards) of \(document.totalShards) shards, "
      + "\(ByteCount.describe(document.bytes))"
  }
}
