import DatasetModel

@testable import ShardCache

/// A cache modelled as simply as can be: what is where, by name, and every number counted anew when it is asked for. It
/// is told what happened and what the ledger wants, and says what is wrong with that.
struct NaiveCache {
  struct Shard {
    let bytes: Int
    let peak: Int
    let stream: StreamName
    var isReserved = false
    var copy: Int?
  }

  struct Copy {
    let shard: Int
    var bytes: Int
    var isUnlinked = false
    var isLeaving = false
    var leases = 0
    var holders = 0
  }

  struct Session {
    var positions: [[Int]]
    var position: Int
    let pace: Double
  }

  var shards: [Shard]
  var copies: [Int: Copy] = [:]
  var quarantined: [String: Int] = [:]
  var sessions: [Int: Session] = [:]
  var pinned: Set<Int> = []
  var limit: Int

  func counted() -> Int {
    let reserved = shards.filter(\.isReserved).reduce(0) { $0 + $1.peak }
    return reserved + copies.values.reduce(0) { $0 + $1.bytes } + quarantined.values.reduce(0, +)
  }

  func counted(_ stream: StreamName) -> Int {
    let reserved = shards.filter { $0.isReserved && $0.stream == stream }.reduce(0) { $0 + $1.peak }
    return reserved + copies.values.filter { shards[$0.shard].stream == stream }.reduce(0) { $0 + $1.bytes }
  }

  /// Seconds until anybody needs a shard, by looking through every session's list.
  func need(_ shard: Int) -> Double {
    var soonest = Double.infinity
    for session in sessions.values {
      for position in session.position..<max(session.position, session.positions.count)
      where session.positions[position].contains(shard) {
        soonest = min(soonest, Double(position - session.position) * session.pace)
        break
      }
    }
    return soonest
  }

  /// What is wrong with evicting `copies` together for somebody who needs room now.
  func faults(evictingOnDemand evicted: [Int]) -> [String] {
    var found: [String] = []
    for copy in evicted {
      guard let known = copies[copy], shards[known.shard].copy == copy else {
        found.append("evicts a copy that is not there")
        continue
      }
      if known.leases > 0 { found.append("evicts a leased copy") }
      if pinned.contains(known.shard) { found.append("evicts a pinned shard") }
    }
    return found
  }

  /// What is wrong with the choice: a copy stays that is needed later than one that leaves, although it could leave.
  /// `busy` are leased by claims that are not granted yet.
  func choiceFaults(_ evicted: [Int], keeping: Set<Int>, busy: Set<Int>) -> [String] {
    let leaving = evicted.compactMap { copies[$0] }
    guard let soonest = leaving.filter({ $0.holders == 0 }).map({ need($0.shard) }).min() else { return [] }
    var found: [String] = []
    for (id, copy) in copies where shards[copy.shard].copy == id && !evicted.contains(id) {
      if copy.leases > 0 || copy.holders > 0 || pinned.contains(copy.shard) || keeping.contains(copy.shard) { continue }
      if busy.contains(id) { continue }
      if need(copy.shard) > soonest + 1e-9 {
        found.append("evicts a shard needed in \(soonest) s and keeps one needed in \(need(copy.shard)) s")
      }
    }
    return found
  }

  mutating func tidy() {
    copies = copies.filter { !($0.value.isUnlinked && $0.value.leases == 0 && $0.value.holders == 0) }
  }
}
