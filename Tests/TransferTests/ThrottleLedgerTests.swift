import FaultServer
import Testing

@testable import Transfer

struct ThrottleLedgerTests {
  @Test func contentHostsAreNotLimited() {
    var ledger = ThrottleLedger()
    for id in 0..<1000 { same(ledger.enter(id, host: "h", now: 0), true) }
  }

  @Test func aComplaintPausesAndHalves() {
    var ledger = ThrottleLedger()
    for id in 0..<16 { same(ledger.enter(id, host: "h", now: 0), true) }
    // A burst of complaints counts once.
    for _ in 0..<16 {
      ledger.slowDown(host: "h", retryAfter: nil, now: 0.1)
      ledger.leave(host: "h", succeeded: false)
    }
    for id in 16..<40 { same(ledger.enter(id, host: "h", now: 0.5), false) }
    same(ledger.enter(99, host: "other", now: 0.5), true)
    #expect(ledger.nextWake(now: 0.5) == 1.1)
    same(ledger.admit(now: 1.0).isEmpty, true)
    same(ledger.admit(now: 1.2), Array(16..<24))
    // Successes widen it again, one more per round.
    for _ in 0..<8 { ledger.leave(host: "h", succeeded: true) }
    same(ledger.admit(now: 1.3).count, 8)
    same(ledger.withdraw(39, host: "h"), true)
    same(ledger.withdraw(24, host: "h"), false)
    #expect(ledger.waiting == 7)
  }

  @Test func retryAfterRules() {
    var ledger = ThrottleLedger()
    same(ledger.enter(1, host: "h", now: 0), true)
    ledger.slowDown(host: "h", retryAfter: 30, now: 0)
    ledger.leave(host: "h", succeeded: false)
    same(ledger.enter(2, host: "h", now: 29), false)
    same(ledger.admit(now: 30), [2])
  }

  @Test func nothingIsLostInRandomOrder() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("throttle seed \(seed)")
    var random = SplitMix(seed)
    var ledger = ThrottleLedger()
    var now = 0.0
    var underWay: [Int] = []
    var waiting: Set<Int> = []
    var done = 0
    for id in 0..<2000 {
      if ledger.enter(id, host: "h", now: now) { underWay.append(id) } else { waiting.insert(id) }
      now += Double(random.next() % 100) / 100
      if random.next() % 3 > 0, let ended = underWay.popLast() {
        let complains = random.next() % 10 == 0
        if complains { ledger.slowDown(host: "h", retryAfter: nil, now: now) }
        ledger.leave(host: "h", succeeded: !complains)
        done += ended >= 0 ? 1 : 0
      }
      for id in ledger.admit(now: now) {
        #expect(waiting.remove(id) != nil)
        underWay.append(id)
      }
    }
    while !underWay.isEmpty || !waiting.isEmpty {
      now += 100
      for _ in underWay {
        ledger.leave(host: "h", succeeded: true)
        done += 1
      }
      underWay = ledger.admit(now: now)
      for id in underWay { #expect(waiting.remove(id) != nil) }
    }
    #expect(done == 2000)
    #expect(ledger.waiting == 0)
  }
}
