import Glibc
import SystemPackage

/// An open descriptor that is closed when nobody holds it any more.
///
/// Sendable because the number never changes while the object lives; what two threads do to one open file at once is
/// theirs to order (`pread` and `pwrite` need no order).
public final class OwnedDescriptor: Sendable {
  /// The number; valid as long as this object is held.
  public let raw: CInt

  /// Takes ownership of `raw`.
  public init(adopting raw: CInt) { self.raw = raw }

  deinit { _ = close(raw) }

  /// The descriptor as swift-system's value, for its typed calls; closing it is this object's business.
  public var descriptor: FileDescriptor { FileDescriptor(rawValue: raw) }

  /// A second descriptor of the same open file, closed on its own, and on exec.
  public func duplicate() throws(SystemError) -> OwnedDescriptor {
    OwnedDescriptor(
      adopting: try systemCall("fcntl(F_DUPFD_CLOEXEC)", "descriptor \(raw)") { fcntl(raw, F_DUPFD_CLOEXEC, 3) })
  }
}
