import ArgumentParser
import DatasetModel
import LinuxSystem
import ShardVerifier

/// `sluice verify`: checks a stream's files to the last fault.
struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check a stream's index and all its shards.",
    discussion: """
      Checks sizes, digests, compression, offsets, and that every sample can be decoded, and prints every fault, a line \
      each. Nothing is changed. Exit status: 0 when all is well, 1 when there are faults, 2 when the stream could not be \
      read at all.
      """)

  @Argument(help: "The stream's directory, with its index.json or with subdirectories that have one each.")
  var directory: String

  @Option(help: "A subdirectory with an index, in order; repeat for several. They are looked for, otherwise.")
  var subdirectory: [String] = []

  @Option(name: .shortAndLong, help: "Shards to check at once, each held in memory; as many as cores by default.")
  var jobs: Int?

  @Flag(name: .shortAndLong, help: "Only the faults: no progress, no summary.")
  var quiet = false

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs must be at least 1") }
  }

  func run() async throws {
    let verifier = StreamVerifier(
      stream: StreamName(name), path: directory, subdirectories: subdirectory.isEmpty ? nil : subdirectory,
      jobs: jobs ?? ProcessSettings.cores)
    var line = StatusLine(isShown: !quiet && StandardError.isTerminal)
    let total: StreamVerifier.Progress
    do throws(SystemError) {
      total = try await verifier.run {
        line.clear()
        print($0)
      } progress: {
        line.show(
          "\($0.shards) of \($0.totalShards) shards, \($0.samples) samples, \(ByteCount.describe($0.bytes)), "
            + "\($0.faults) faults")
      }
    } catch {
      StandardError.write(line: "sluice verify: \(error)")
      throw ExitCode(2)
    }
    line.clear()
    if !quiet {
      print(
        "\(total.shards) shards, \(total.samples) samples, \(ByteCount.describe(total.bytes)): "
          + (total.faults == 0 ? "all is well" : total.faults == 1 ? "1 fault" : "\(total.faults) faults"))
    }
    if total.faults > 0 { throw ExitCode(1) }
  }

  /// The directory's last part, to name the stream by.
  private var name: String { directory.split(separator: "/").last.map(String.init) ?? directory }
}
