internal import CLinux
import Glibc
import SystemPackage

/// Threads for calls that block, which the cooperative pool must not run.
public enum BlockingThread {
  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Runs `body` on a thread of its own until it returns. `name` is cut to 15 bytes.
  public static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    // The thread names itself: once started it may end at any time, and its handle with it.
    let named = Body {
      _ = sluice_name_this_thread(name)
      body()
    }
    let box = Unmanaged.passRetained(named)
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
}
