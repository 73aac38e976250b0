import LinuxSystem
import Synchronization
import Transfer

/// A transport that is known before the one behind it is made: kinds are registered, then the configuration is read,
/// then the fetchers are sized.
final class LateTransport: Transport {
  private let transport = Mutex<(any Transport)?>(nil)

  /// Puts the real transport behind this one, before anything is fetched.
  func set(_ real: any Transport) { transport.withLock { $0 = real } }

  func perform(
    _ request: TransferRequest, into file: OwnedDescriptor, progress: @escaping @Sendable (Int) -> Void
  ) async throws(TransferFailure) -> TransferReceipt {
    guard let real = transport.withLock({ $0 }) else {
      preconditionFailure("something was fetched before the daemon had its fetchers")
    }
    return try await real.perform(request, into: file, progress: progress)
  }
}
