import LinuxSystem
import Transfer

/// The fetcher of the tests, and the measuring program behind `scripts/bench transfer`.
@main
struct TransferBench {
  static func main() async throws {
    if CommandLine.arguments.dropFirst().first == FetcherProcess.argument {
      ProcessSettings.exitNow(FetcherProcess.run())
    }
  }
}
