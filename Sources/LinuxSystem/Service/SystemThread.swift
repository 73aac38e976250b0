internal import CLinux
import Glibc
import Synchronization
import SystemPackage

/// A thread of our own, for calls that block: the cooperative pool must never wait for the world.
public final class SystemThread: Sendable {
  /// Virtual memory of a thread's stack; only what is touched costs anything.
  public static let defaultStackBytes = 1 << 20

  private enum State {
    case running(pthread_t)
    case joined
  }

  private let state: Mutex<State>

  private init(_ thread: pthread_t) { state = Mutex(.running(thread)) }

  /// Starts a thread that runs `body` and ends.
  ///
  /// - Parameters:
  ///   - name: as `top -H` shows it, cut to 15 bytes.
  ///   - stackBytes: at least 64 KiB.
  /// - Throws: `SystemError` when the system has no room for another thread.
  @discardableResult
  public static func start(
    _ name: String, stackBytes: Int = defaultStackBytes, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) -> SystemThread {
    // Allocated, not initialised in Swift: which module the type's initialiser counts to depends on what was read first.
    let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
    defer { attributes.deallocate() }
    try check("pthread_attr_init", name, pthread_attr_init(attributes))
    defer { pthread_attr_destroy(attributes) }
    try check("pthread_attr_setstacksize", name, pthread_attr_setstacksize(attributes, max(stackBytes, 64 << 10)))
    let work = Unmanaged.passRetained(Work(name: name, body: body))
    var thread = pthread_t()
    let code = pthread_create(&thread, attributes, runWork, work.toOpaque())
    if code != 0 {
      work.release()
      throw SystemError("pthread_create", name, Errno(rawValue: code))
    }
    return SystemThread(thread)
  }

  /// Waits until the thread has ended; a second call returns at once. Not for a thread to call on itself.
  public func join() {
    let thread: pthread_t? = state.withLock { state in
      guard case .running(let thread) = state else { return nil }
      state = .joined
      return thread
    }
    guard let thread else { return }
    let code = pthread_join(thread, nil)
    precondition(code == 0, "pthread_join answered \(code): a thread waited for itself")
  }

  /// Lets another thread run first.
  public static func yield() { sched_yield() }

  deinit {
    // Nobody can wait for it any more, so the system frees it when it ends.
    state.withLock { state in
      if case .running(let thread) = state { pthread_detach(thread) }
    }
  }

  private static func check(_ call: String, _ name: String, _ code: CInt) throws(SystemError) {
    if code != 0 { throw SystemError(call, "thread \(name)", Errno(rawValue: code)) }
  }
}

/// What a thread runs, carried through C's one pointer.
private final class Work: Sendable {
  let name: String
  let body: @Sendable () -> Void

  init(name: String, body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }
}

/// The C entry of every thread: takes over the reference that `start` retained.
private func runWork(_ pointer: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let pointer else { return nil }
  let work = Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue()
  // The name is for the operator; a thread without one works as well.
  _ = sluice_name_this_thread(work.name)
  work.body()
  return nil
}
