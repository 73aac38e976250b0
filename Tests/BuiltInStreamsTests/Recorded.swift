import Synchronization
import Transfer

/// Requests that a transport was asked for.
final class Recorded: Sendable {
  private let list = Mutex<[TransferRequest]>([])
  var all: [TransferRequest] { list.withLock { $0 } }
  func add(_ request: TransferRequest) { list.withLock { $0.append(request) } }
}
