import Testing

@testable import LocalSocket

struct ConnectionLedgerTests {
  @Test("full places first, then probes', then none; a freed place is given again")
  func places() {
    var ledger = ConnectionLedger<String>(connections: 2, probes: 1)
    let places = (0..<4).map { _ in ledger.admit() }
    #expect(places.map { $0?.admission } == [.full, .full, .probeOnly, nil])
    #expect(Set(places.compactMap { $0?.number }).count == 3)
    ledger.leave(places[0]?.number ?? 0)
    #expect(ledger.count(.full) == 1)
    let again = ledger.admit()
    let excess = ledger.admit()
    #expect(again?.admission == .full)
    #expect(excess == nil)
    #expect(ledger.count == 3)
  }

  @Test("members are those who entered and have not left")
  func members() throws {
    var ledger = ConnectionLedger<String>(connections: 2, probes: 0)
    let first = ledger.admit()
    let number = try #require(first?.number)
    ledger.enter("first", number: number)
    _ = ledger.admit()
    #expect(Array(ledger.members.values) == ["first"])
    ledger.leave(number)
    #expect(ledger.members.isEmpty)
  }

  @Test("a closed ledger admits nobody")
  func closed() {
    var ledger = ConnectionLedger<String>(connections: 2, probes: 2)
    ledger.close()
    let late = ledger.admit()
    #expect(late == nil)
  }
}
