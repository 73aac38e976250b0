import DaemonConfiguration
import LinuxSystem
import Server
import StreamRegistry

/// `sluiced --check-config`: says what is wrong, or what there is.
struct ConfigurationCheck {
  private let configuration: Configuration
  private let registry: StreamRegistry
  private let file: String

  init(_ configuration: Configuration, registry: StreamRegistry, file: String) {
    self.configuration = configuration
    self.registry = registry
    self.file = file
  }

  /// The exit status: 0 when all is well. The file itself has been found right before this.
  func run(online: Bool) async -> Int32 {
    print(
      "\(file): \(configuration.streams.count) streams, \(configuration.datasets.count) datasets, cache in "
        + "\(configuration.cache.directory)")
    guard online else { return 0 }
    var failed = false
    for line in await StreamProbe.probe(configuration, registry: registry) {
      failed = failed || !line.isGood
      print("\(line.isGood ? "ok  " : "BAD ") stream \(line.stream): \(line.text)")
    }
    return failed ? DaemonProgram.configurationStatus : 0
  }
}
