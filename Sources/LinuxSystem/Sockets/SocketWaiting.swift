internal import CLinux
import Glibc
import SystemPackage

extension UnixSocket {
  /// Whether calls wait (they do on a fresh socket) or fail with EAGAIN.
  public func setBlocking(_ blocks: Bool) throws(SystemError) {
    let flags = try systemCall("fcntl(F_GETFL)", "descriptor \(descriptor.raw)") { fcntl(descriptor.raw, F_GETFL) }
    let wanted = blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK
    try systemCall("fcntl(F_SETFL)", "descriptor \(descriptor.raw)") { fcntl(descriptor.raw, F_SETFL, wanted) }
  }

  /// How long one send (or connect) may make no progress before it fails with EAGAIN; nil for ever.
  public func setSendTimeout(_ timeout: Duration?) throws(SystemError) {
    // A timeval of zero means for ever, so the shortest wait is a microsecond.
    let parts = (timeout.map { max($0, .microseconds(1)) } ?? .zero).components
    var value = timeval(tv_sec: Int(parts.seconds), tv_usec: Int(parts.attoseconds / 1_000_000_000_000))
    try systemCall("setsockopt(SO_SNDTIMEO)", "descriptor \(descriptor.raw)") {
      setsockopt(descriptor.raw, SOL_SOCKET, SO_SNDTIMEO, &value, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  /// Waits until there is something to read (the end counts), `wake` is signalled, or `timeout` is over.
  public func waitReadable(or wake: WakeEvent? = nil, within timeout: Duration?) throws(SystemError) -> Readiness {
    let clock = ContinuousClock()
    let deadline = timeout.map { clock.now + $0 }
    while true {
      var entries = [pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)]
      if let wake { entries.append(pollfd(fd: wake.descriptor.raw, events: Int16(POLLIN), revents: 0)) }
      let milliseconds = deadline.map { Self.milliseconds($0 - clock.now) } ?? -1
      let count = poll(&entries, nfds_t(entries.count), milliseconds)
      if count < 0 {
        let code = errno
        // Interrupted: the loop works out anew how long is left.
        if code == EINTR { continue }
        throw SystemError("poll", "descriptor \(descriptor.raw)", Errno(rawValue: code))
      }
      if entries.count > 1, entries[1].revents != 0 { return .woken }
      if entries[0].revents != 0 { return .readable }
      if milliseconds < Int32.max { return .timedOut }
    }
  }

  /// What ended a wait.
  public enum Readiness: Hashable, Sendable {
    case readable
    case woken
    case timedOut
  }

  /// Rounded up, so that a wait is never cut to a busy loop; at most what `poll` takes.
  private static func milliseconds(_ duration: Duration) -> CInt {
    guard duration > .zero else { return 0 }
    let parts = duration.components
    guard parts.seconds < 2_000_000 else { return .max }
    return CInt(parts.seconds * 1000 + (parts.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}

/// Wakes a thread that waits for a socket, from any other thread.
public final class WakeEvent: Sendable {
  let descriptor: OwnedDescriptor

  /// Makes an event that nobody has signalled.
  public init() throws(SystemError) {
    descriptor = OwnedDescriptor(adopting: try systemCall("eventfd2", "wake event") { sluice_event() })
  }

  /// Wakes whoever waits, now and from now on.
  public func signal() {
    var one: UInt64 = 1
    // The only failure of an eventfd's write is a full counter, and that one is signalled already.
    _ = write(descriptor.raw, &one, MemoryLayout<UInt64>.size)
  }

  /// Waits for the signal; false if it has not come within `timeout`.
  public func wait(within timeout: Duration) throws(SystemError) -> Bool {
    try UnixSocket(descriptor).waitReadable(within: timeout) == .readable
  }
}
