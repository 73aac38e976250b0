import Synchronization
import Testing

@testable import LinuxSystem

@Suite struct BlockingPoolTests {
  private struct Refused: Error, Equatable {
    let number: Int
  }

  @Test func answersWhatTheJobAnswersOrThrows() async throws {
    let pool = BlockingPool(name: "pool", threads: 3)
    try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<200 {
        group.addTask {
          do throws(Refused) {
            return try await pool.run { () throws(Refused) -> Int in
              if number % 5 == 0 { throw Refused(number: number) }
              return number * 2
            }
          } catch {
            #expect(error == Refused(number: number))
            return error.number * 2
          }
        }
      }
      var sum = 0
      for try await part in group { sum += part }
      #expect(sum == 200 * 199)
    }
    #expect(pool.waiting == 0)
  }

  /// How many jobs run, and in which order they ran.
  private final class Journal: Sendable {
    private struct State {
      var running = 0
      var most = 0
      var order: [String] = []
      var isHeld = true
    }

    private let state = Mutex(State())

    func begin() {
      state.withLock { state in
        state.running += 1
        state.most = max(state.most, state.running)
      }
    }

    func end() { state.withLock { $0.running -= 1 } }

    func note(_ name: String) { state.withLock { $0.order.append(name) } }

    func letGo() { state.withLock { $0.isHeld = false } }

    /// Blocks the thread until `letGo`.
    func hold() { while state.withLock({ $0.isHeld }) { SystemThread.yield() } }

    var most: Int { state.withLock { $0.most } }
    var order: [String] { state.withLock { $0.order } }
    var running: Int { state.withLock { $0.running } }
  }

  @Test func neverRunsMoreAtOnceThanItHasThreads() async {
    let pool = BlockingPool(name: "pool", threads: 2)
    let journal = Journal()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<100 {
        group.addTask {
          await pool.run {
            journal.begin()
            SystemThread.yield()
            journal.end()
          }
        }
      }
    }
    #expect((1...2).contains(journal.most))
  }

  @Test func backgroundJobsLetOthersPass() async {
    let pool = BlockingPool(name: "pool", threads: 1)
    let journal = Journal()
    // The only thread is kept busy until both jobs wait.
    async let first: Void = pool.run {
      journal.begin()
      journal.hold()
    }
    while journal.running == 0 { await Task.yield() }
    async let low: Void = pool.run(.background) { journal.note("background") }
    while pool.waiting < 1 { await Task.yield() }
    async let high: Void = pool.run { journal.note("normal") }
    while pool.waiting < 2 { await Task.yield() }
    journal.letGo()
    _ = await (first, low, high)
    #expect(journal.order == ["normal", "background"])
  }

  /// Ten thousand jobs do not start ten thousand threads, and all of them run.
  @Test func keepsItsOrderAndLosesNothing() async {
    let pool = BlockingPool(name: "pool", threads: 1)
    let journal = Journal()
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<10_000 { group.addTask { await pool.run { journal.note("\(number)") } } }
    }
    #expect(Set(journal.order).count == 10_000)
  }
}
