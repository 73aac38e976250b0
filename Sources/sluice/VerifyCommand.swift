import ArgumentParser
import BuiltInStreams
import DatasetModel
import LinuxSystem
import ShardVerifier
import StreamRegistry
import Transfer

/// `sluice verify`: checks a stream's files to the last fault.
struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check a stream's index and all its shards.",
    discussion: """
      Checks sizes, digests, compression, offsets, and that every sample can be decoded, and prints every fault, a line \
      each. Nothing is changed.

        sluice verify /data/pile
        sluice verify --config /etc/sluice/sluiced.yaml pile

      The first checks a directory, the second a stream of the daemon's configuration, remote or not.

      A remote stream is downloaded for it, shard by shard, past the daemon and its cache; no more of it than is being \
      checked lies on this machine at any time.

      Exit status: 0 when all is well, 1 when there are faults, 2 when the stream could not be read at all.
      """)

  @Argument(
    help: ArgumentHelp(
      "The stream's directory, with its index.json or with subdirectories that have one each; or, with --config, its name.",
      valueName: "stream"), completion: .directory)
  var stream: String

  @Option(help: ArgumentHelp("The daemon's configuration, which names the stream.", valueName: "file"))
  var config: String?

  @Option(
    help: "A subdirectory of the directory with an index, in order; repeat for several. They are looked for, otherwise."
  )
  var subdirectory: [String] = []

  @Option(name: .shortAndLong, help: "Shards to check at once, each held in memory; as many as cores by default.")
  var jobs: Int?

  @Option(
    help: ArgumentHelp(
      "Where downloads lie while they are checked: room for --jobs shards. [default: $TMPDIR, else /var/tmp]",
      valueName: "directory"))
  var staging: String?

  @Flag(name: .shortAndLong, help: "Only the faults: no progress, no summary.")
  var quiet = false

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs must be at least 1") }
    if config != nil, !subdirectory.isEmpty {
      throw ValidationError("--subdirectory is for directories; a configured stream's stand in its configuration")
    }
  }

  func run() async throws {
    var line = StatusLine(isShown: !quiet && StandardError.isTerminal)
    let total: StreamVerifier.Progress
    do {
      total = try await verifier().run {
        line.clear()
        print($0)
      } progress: {
        line.show(
          "\($0.shards) of \(counted($0.totalShards, "shard")), \(counted($0.samples, "sample")), "
            + "\(ByteCount.describe($0.bytes)), \(counted($0.faults, "fault"))")
      }
    } catch {
      line.clear()
      StandardError.write(line: "sluice verify: \(error)")
      throw ExitCode(2)
    }
    line.clear()
    if !quiet {
      print(
        "\(counted(total.shards, "shard")), \(counted(total.samples, "sample")), "
          + "\(ByteCount.describe(total.bytes)): "
          + (total.faults == 0 ? "all is well" : counted(total.faults, "fault")))
    }
    if total.faults > 0 { throw ExitCode(1) }
  }

  private func verifier() throws -> StreamVerifier {
    let jobs = jobs ?? ProcessSettings.cores
    let staging = staging ?? EnvironmentVariable.value("TMPDIR") ?? "/var/tmp"
    guard let config else {
      guard OutputDirectory.exists(stream) else {
        throw ConfiguredStreams.Failure(
          description: "\(stream) is no directory; a stream of the daemon's configuration needs --config FILE")
      }
      let source = LocalSource(
        directory: stream, subdirectories: subdirectory.isEmpty ? .discover : .list(subdirectory))
      let fetching = VerifyFetching(policy: RetryPolicy(attempts: 1), limits: FetchLimits(), staging: staging)
      return StreamVerifier(stream: StreamName(name), source: source, fetching: fetching, jobs: jobs)
    }
    let configured = try ConfiguredStreams(path: config)
    let chosen = try configured.stream(StreamName(stream))
    let fetching = VerifyFetching(
      policy: configured.policy(of: chosen), limits: configured.limits(of: chosen), staging: staging)
    return StreamVerifier(
      stream: chosen.name, source: try configured.source(of: chosen), fetching: fetching,
      requiredHash: chosen.validateHash, jobs: jobs)
  }

  /// The directory's last part, to name the stream by.
  private var name: String { stream.split(separator: "/").last.map(String.init) ?? stream }
}
