import DatasetModel
import FaultServer
import Testing

@testable import Transfer

struct StatisticsTests {
  @Test func countsByStreamAndCause() {
    var ledger = StatisticsLedger(started: 0)
    let first = ledger.began(stream: "pile", file: "a", bytes: 100, now: 1)
    ledger.attempted(first, kept: 0, now: 1)
    ledger.moved(first, bytes: 60, now: 2)
    ledger.failed(first, cause: "truncated", isRetried: true)
    ledger.attempted(first, kept: 60, now: 3)
    ledger.moved(first, bytes: 20, now: 4)
    let second = ledger.began(stream: "code", file: "b", bytes: 7, now: 4)
    ledger.attempted(second, kept: 0, now: 4)
    let during = ledger.snapshot(now: 5, queued: 3)
    #expect(during.queued == 3)
    #expect(
      during.downloads == [
        .init(stream: "pile", file: "a", bytes: 100, received: 80, attempt: 2, seconds: 4),
        .init(stream: "code", file: "b", bytes: 7, received: 0, attempt: 1, seconds: 1),
      ])
    #expect(during.bytesPerSecond == 16)
    ledger.moved(first, bytes: 20, now: 5)
    ledger.ended(first, delivered: true, now: 6)
    ledger.failed(second, cause: "notFound", isRetried: false)
    ledger.ended(second, delivered: false, now: 6)
    let after = ledger.snapshot(now: 6, queued: 0)
    #expect(after.downloads.isEmpty)
    let pile = after.streams["pile"]
    #expect(pile?.bytes == 100 && pile?.files == 1 && pile?.attempts == 2 && pile?.seconds == 5)
    #expect(pile?.retries == ["truncated": 1] && pile?.failures == [:])
    #expect(after.streams["code"]?.failures == ["notFound": 1])
  }

  @Test func theRateForgets() {
    var ledger = StatisticsLedger(started: 0)
    let download = ledger.began(stream: "pile", file: "a", bytes: 0, now: 0)
    for second in 0..<30 { ledger.moved(download, bytes: 100, now: Double(second)) }
    #expect(abs(ledger.snapshot(now: 29.5, queued: 0).bytesPerSecond - 105) < 6)
    #expect(ledger.snapshot(now: 45, queued: 0).bytesPerSecond == 0)
  }
}

@Suite(.timeLimit(.minutes(1)))
struct HostThrottleTests {
  @Test func pausedHostsWaitAndCancelledWaitersLeave() async throws {
    let time = Counter()
    // Sleeping moves the clock on by what was asked for, in milliseconds.
    let clock = TransferClock(
      now: { Double(time.value) / 1000 },
      sleep: { seconds in
        try Task.checkCancellation()
        time.add(Int((seconds * 1000).rounded(.up)))
      })
    let throttle = HostThrottle(clock: clock)
    try await throttle.enter(host: "h")
    throttle.leave(host: "h", succeeded: false, slowDown: true, retryAfter: 30)
    // This one waits the pause out.
    try await throttle.enter(host: "h")
    #expect(time.value >= 30_000)
    // The host takes one at a time now: the next waits until it is cancelled.
    let waiter = Task { try await throttle.enter(host: "h") }
    while throttle.waiting == 0 { await Task.yield() }
    waiter.cancel()
    await #expect(throws: CancellationError.self) { try await waiter.value }
    #expect(throttle.waiting == 0)
    try await throttle.enter(host: "other")
    throttle.leave(host: "other", succeeded: true)
    throttle.leave(host: "h", succeeded: true)
    try await throttle.enter(host: "h")
  }
}
