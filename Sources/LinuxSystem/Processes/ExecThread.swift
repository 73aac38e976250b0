internal import CExecGuard
import Glibc
import SystemPackage

/// Threads that wait for commands: a guard ends its command when the thread that started it ends, so each has its own.
enum ExecThread {
  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Runs `body` on a thread of its own. `name` is cut to 15 bytes.
  static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let box = Unmanaged.passRetained(
      Body {
        sluice_exec_name_thread(name)
        body()
      })
    var thread = pthread_t()
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, box.toOpaque())
    guard code == 0 else {
      box.release()
      throw SystemError("pthread_create", name, Errno(rawValue: code))
    }
  }

  /// Waits for a child to end; false when it is none of this process's.
  static func reap(_ child: Int32) -> Bool {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      if errno != EINTR { return false }
    }
    return true
  }
}
