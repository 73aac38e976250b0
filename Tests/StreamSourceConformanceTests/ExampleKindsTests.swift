import BuiltInStreams
import DaemonConfiguration
import ExecStreams
import LinuxSystem
import StreamRegistry
import SyntheticStreams
import SystemPackage
import Testing
import Transfer

/// The examples under `config/` say to every kind what that kind understands.
@Suite struct ExampleKindsTests {
  /// Moves nothing: configurations are checked without a connection.
  private struct NoTransport: Transport {
    func perform(
      _ request: TransferRequest, into file: OwnedDescriptor, progress: @escaping @Sendable (Int) -> Void
    ) async throws(TransferFailure) -> TransferReceipt {
      throw TransferFailure(.permanent, .network, "nothing is fetched here")
    }
  }

  @Test(arguments: ["sluice.yaml", "minimal.yaml", "s3-compatible.yaml"])
  func kindsAcceptTheirKeys(name: String) throws {
    var registry = StreamRegistry()
    try BuiltInKinds.register(in: &registry, transport: NoTransport())
    try ExecStream.register(in: &registry) { _, _ in }
    try SyntheticStream.register(in: &registry)
    let directory = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
    do throws(ConfigurationError) {
      _ = try Configuration.load(path: directory.appending("config").appending(name).string, registry: registry)
    } catch {
      // A kind that this build does not have cannot say anything of its keys.
      let problems = error.problems.filter { !$0.message.hasPrefix("no kind for ") }
      #expect(problems.isEmpty, "\(problems.map(\.description).joined(separator: "\n"))")
    }
  }
}
