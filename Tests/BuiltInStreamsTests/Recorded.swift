import BuiltInStreams
import Synchronization
import Transfer

/// Requests that a transport was asked for.
final class Recorded: Sendable {
  private let list = Mutex<[TransferRequest]>([])
  var all: [TransferRequest] { list.withLock { $0 } }
  func add(_ request: TransferRequest) { list.withLock { $0.append(request) } }
}

/// What was said of attempts that failed.
final class Notices: Sendable {
  private let list = Mutex<[String]>([])
  var all: [String] { list.withLock { $0 } }
  func add(_ notice: RetryNotice) { list.withLock { $0.append("\(notice)") } }
}
