import Synchronization
import Testing

@testable import LinuxSystem

struct SystemThreadTests {
  private final class Box: Sendable {
    let text = Mutex("")
  }

  @Test("a thread runs under its name, cut to 15 bytes, and joining waits for its end")
  func runs() throws {
    let box = Box()
    let thread = try SystemThread.start("sluice-a-long-name") {
      do {
        let name = try Directory(path: "/proc/thread-self").open("comm").read(count: 64, at: 0)
        box.text.withLock { $0 = String(decoding: name, as: UTF8.self) }
      } catch {
        box.text.withLock { $0 = "\(error)" }
      }
    }
    thread.join()
    thread.join()
    #expect(box.text.withLock { $0 } == "sluice-a-long-n\n")
  }

  @Test("threads that nobody joins are gone when they have ended, with what they held")
  func leavesNothing() throws {
    let box = Box()
    weak var held: Box?
    do {
      let inner = Box()
      held = inner
      for _ in 0..<100 { try SystemThread.start("test") { inner.text.withLock { $0 += "x" } } }
      while inner.text.withLock({ $0.count }) < 100 { SystemThread.yield() }
    }
    while held != nil { SystemThread.yield() }
    #expect(box.text.withLock { $0 }.isEmpty)
  }
}
