/// Who is connected: pure bookkeeping, without sockets or threads.
///
/// Transitions: `admit` takes a place if there is one, `enter` puts the connection into it, `leave` frees it.
struct ConnectionLedger<Member> {
  /// May change while connections are open; those over a lowered one stay.
  var connections: Int
  let probes: Int

  private(set) var members: [UInt64: Member] = [:]
  private var admissions: [UInt64: Admission] = [:]
  private var nextNumber: UInt64 = 1
  /// False once the listener stops: nobody is admitted any more.
  private(set) var isOpen = true

  init(connections: Int, probes: Int) {
    self.connections = connections
    self.probes = probes
  }

  /// Places taken under an allowance.
  func count(_ admission: Admission) -> Int { admissions.values.count { $0 == admission } }

  /// Places taken in all.
  var count: Int { admissions.count }

  /// Takes a place: a full one if there is one, else a probe's; nil if neither is left.
  mutating func admit() -> (number: UInt64, admission: Admission)? {
    guard isOpen else { return nil }
    let admission: Admission
    if count(.full) < connections {
      admission = .full
    } else if count(.probeOnly) < probes {
      admission = .probeOnly
    } else {
      return nil
    }
    let number = nextNumber
    nextNumber += 1
    admissions[number] = admission
    return (number, admission)
  }

  /// Puts a connection into the place it was given.
  mutating func enter(_ member: Member, number: UInt64) {
    precondition(admissions[number] != nil, "a connection enters a place it was not given")
    members[number] = member
  }

  /// Frees a place.
  mutating func leave(_ number: UInt64) {
    members[number] = nil
    admissions[number] = nil
  }

  /// Admits nobody from now on.
  mutating func close() { isOpen = false }
}
