import FaultServer
import Testing

@testable import Transfer

struct FetcherLedgerTests {
  func ledger(_ fetchers: Int = 2) -> FetcherLedger {
    var configuration = FetcherLedger.Configuration()
    configuration.fetchers = fetchers
    return FetcherLedger(configuration)
  }

  @Test func theFirstRequestStartsTheFirstFetcher() {
    var ledger = ledger()
    #expect(ledger.processes == 0)
    same(ledger.submit(1, bytes: 100, deadlineSeconds: 10, now: 0), [.start(fetcher: 0)])
    same(ledger.becameReady(0, now: 0.1), [.send(request: 1, fetcher: 0)])
    same(ledger.submit(2, bytes: 100, deadlineSeconds: 10, now: 0.2), [.send(request: 2, fetcher: 0)])
    same(ledger.concluded(1, now: 1).isEmpty, true)
    #expect(ledger.running == 1)
  }

  @Test func largeRequestsStartTheSecond() {
    var ledger = ledger()
    _ = ledger.submit(1, bytes: 1 << 26, deadlineSeconds: 10, now: 0)
    _ = ledger.becameReady(0, now: 0)
    same(
      ledger.submit(2, bytes: 1 << 26, deadlineSeconds: 10, now: 0),
      [.send(request: 2, fetcher: 0), .start(fetcher: 1)])
    same(ledger.becameReady(1, now: 0).isEmpty, true)
    same(ledger.submit(3, bytes: 1 << 26, deadlineSeconds: 10, now: 0), [.send(request: 3, fetcher: 1)])
  }

  @Test func capacityIsKept() {
    var ledger = ledger(1)
    for id in 0..<6 { _ = ledger.submit(id, bytes: 1 << 26, deadlineSeconds: 10, now: 0) }
    same(ledger.becameReady(0, now: 0).count, 4)
    #expect(ledger.waiting == 2)
    same(ledger.concluded(0, now: 0), [.send(request: 4, fetcher: 0)])
    same(ledger.withdraw(5), true)
    same(ledger.withdraw(4), false)
  }

  @Test func aConnectionIsThereForEveryLargeRequest() {
    for connections in [1, 2, 8, 64] {
      var configuration = FetcherLedger.Configuration()
      configuration.fetchers = 1
      configuration.connectionsPerHost = connections
      var ledger = FetcherLedger(configuration)
      for id in 0..<100 { _ = ledger.submit(id, bytes: 1 << 26, deadlineSeconds: 10, now: 0) }
      same(ledger.becameReady(0, now: 0).count, min(connections, SessionTransport.requestLimit))
    }
  }

  @Test func lostRequestsGoFirstAndInTheEndAlone() {
    var ledger = ledger(1)
    for id in 0..<3 { _ = ledger.submit(id, bytes: 10, deadlineSeconds: 10, now: 0) }
    _ = ledger.becameReady(0, now: 0)
    for _ in 0..<2 {
      same(ledger.lost(0, reason: "died", now: 1), [.start(fetcher: 0)])
      same(
        ledger.becameReady(0, now: 1),
        [.send(request: 0, fetcher: 0), .send(request: 1, fetcher: 0), .send(request: 2, fetcher: 0)])
    }
    same(ledger.lost(0, reason: "died", now: 1), [.start(fetcher: 0)])
    same(ledger.becameReady(0, now: 1), [.send(request: 0, fetcher: 0)])
    for _ in 0..<2 {
      _ = ledger.lost(0, reason: "died", now: 1)
      same(ledger.becameReady(0, now: 1), [.send(request: 0, fetcher: 0)])
    }
    let actions = ledger.lost(0, reason: "died", now: 1)
    guard case .fail(request: 0, _) = actions.first else {
      Issue.record("\(actions)")
      return
    }
    // The innocent go on.
    same(ledger.becameReady(0, now: 1), [.send(request: 1, fetcher: 0)])
    same(ledger.concluded(1, now: 2), [.send(request: 2, fetcher: 0)])
  }

  @Test func startsThatFailAreSpacedAndThenTold() {
    var ledger = ledger(1)
    same(ledger.submit(1, bytes: 1, deadlineSeconds: 1, now: 0), [.start(fetcher: 0)])
    same(ledger.lost(0, reason: "no", now: 0).isEmpty, true)
    same(ledger.tick(now: 0.05).isEmpty, true)
    same(ledger.tick(now: 0.11), [.start(fetcher: 0)])
    same(ledger.lost(0, reason: "no", now: 0.11).isEmpty, true)
    same(ledger.tick(now: 0.4), [.start(fetcher: 0)])
    same(ledger.lost(0, reason: "no", now: 0.4).isEmpty, true)
    same(ledger.tick(now: 1), [.start(fetcher: 0)])
    guard case .fail(request: 1, _)? = ledger.lost(0, reason: "no", now: 1).first else {
      Issue.record("not told")
      return
    }
    #expect(ledger.waiting == 0)
  }

  @Test func silenceAndOverdueRequestsEndAFetcher() {
    var ledger = ledger(1)
    _ = ledger.submit(1, bytes: 1, deadlineSeconds: 100, now: 0)
    _ = ledger.becameReady(0, now: 0)
    ledger.gaveSign(0, now: 10)
    same(ledger.tick(now: 24).isEmpty, true)
    same(ledger.tick(now: 26), [.end(fetcher: 0)])
    same(ledger.tick(now: 27).isEmpty, true)
    ledger.gaveSign(0, now: 111)
    same(ledger.tick(now: 111), [.end(fetcher: 0)])
  }

  @Test func stuckSessionsRetire() {
    var ledger = ledger(1)
    for id in 0..<2 { _ = ledger.submit(id, bytes: 1, deadlineSeconds: 100, now: 0) }
    _ = ledger.becameReady(0, now: 0)
    same(ledger.concluded(0, looksStuck: true, now: 1).isEmpty, true)
    same(ledger.submit(2, bytes: 1, deadlineSeconds: 100, now: 1).isEmpty, true)
    same(ledger.concluded(1, now: 1), [.release(fetcher: 0)])
    same(ledger.lost(0, reason: "released", now: 1), [.start(fetcher: 0)])
    same(ledger.becameReady(0, now: 1), [.send(request: 2, fetcher: 0)])
  }

  @Test func everyRequestEndsOnceInRandomHistories() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("ledger seed \(seed)")
    var random = SplitMix(seed)
    var ledger = ledger(3)
    var open: Set<Int> = []
    var sent: [Int: Int] = [:]
    var starting: Set<Int> = []
    var alive: Set<Int> = []
    var now = 0.0
    func obey(_ actions: [FetcherLedger.Action]) {
      for action in actions {
        switch action {
        case .start(let fetcher): #expect(starting.insert(fetcher).inserted && !alive.contains(fetcher))
        case .send(let id, let fetcher):
          #expect(open.contains(id) && sent[id] == nil && alive.contains(fetcher))
          sent[id] = fetcher
        case .fail(let id, _): #expect(open.remove(id) != nil)
        case .end, .release: break
        }
      }
    }
    for step in 0..<5000 {
      now += Double(random.next() % 30) / 100
      switch random.next() % 8 {
      case 0, 1, 2:
        if open.count < 100 {
          open.insert(step)
          obey(ledger.submit(step, bytes: random.next() % 2 == 0 ? 10 : 1 << 22, deadlineSeconds: 60, now: now))
        }
      case 3:
        if let fetcher = starting.randomElement(using: &random) {
          starting.remove(fetcher)
          alive.insert(fetcher)
          obey(ledger.becameReady(fetcher, now: now))
        }
      case 4, 5:
        if let (id, _) = sent.randomElement(using: &random) {
          sent[id] = nil
          open.remove(id)
          obey(ledger.concluded(id, looksStuck: random.next() % 9 == 0, now: now))
        }
      case 6 where random.next() % 3 == 0:
        if let fetcher = alive.union(starting).randomElement(using: &random) {
          alive.remove(fetcher)
          starting.remove(fetcher)
          sent = sent.filter { $0.value != fetcher }
          obey(ledger.lost(fetcher, reason: "killed", now: now))
        }
      default: obey(ledger.tick(now: now))
      }
      #expect(ledger.running == sent.count)
      #expect(ledger.waiting == open.count - sent.count)
    }
  }
}
