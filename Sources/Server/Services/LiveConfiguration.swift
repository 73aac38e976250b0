import DaemonConfiguration
import Synchronization

/// The configuration in force: one place for all who must follow a reload, read anew whenever it matters.
final class LiveConfiguration: Sendable {
  private let configuration: Mutex<Configuration>

  init(_ configuration: Configuration) { self.configuration = Mutex(configuration) }

  var value: Configuration { configuration.withLock { $0 } }

  func replace(with new: Configuration) { configuration.withLock { $0 = new } }
}
