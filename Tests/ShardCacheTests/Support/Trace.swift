import Foundation

/// A recorded run: for each position, the shards that it needs. See Tests/Fixtures/traces.
struct Trace: Sendable {
  let name: String
  let positions: [[Int]]
  var shards: Int { (positions.joined().max() ?? -1) + 1 }

  init(_ name: String) throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = tests.appendingPathComponent("Fixtures/traces/\(name).txt")
    let text = try String(contentsOf: file, encoding: .utf8)
    self.name = name
    positions = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      line.split(separator: " ").compactMap { Int($0) }
    }
  }

  /// Downloads under Belady's rule, on demand: when a shard is missing, evict the one whose next use is furthest away.
  func beladyDownloads(capacity: Int) -> Int {
    var next = [[Int]](repeating: [], count: shards)
    for (position, needed) in positions.enumerated().reversed() {
      for shard in needed { next[shard].append(position) }
    }
    var there: Set<Int> = []
    var downloads = 0
    for needed in positions {
      for shard in needed where !there.contains(shard) {
        if there.count == capacity {
          let victim = there.subtracting(needed).max { (next[$0].last ?? .max) < (next[$1].last ?? .max) }
          if let victim { there.remove(victim) }
        }
        there.insert(shard)
        downloads += 1
      }
      for shard in needed { next[shard].removeLast() }
    }
    return downloads
  }

  /// Downloads when the least recently used shard is evicted, as the reference does.
  func leastRecentlyUsedDownloads(capacity: Int) -> Int {
    var lastUse: [Int: Int] = [:]
    var downloads = 0
    for (position, needed) in positions.enumerated() {
      for shard in needed where lastUse[shard] == nil {
        if lastUse.count == capacity {
          let victim = lastUse.filter { !needed.contains($0.key) }.min { ($0.value, $0.key) < ($1.value, $1.key) }
          if let victim { lastUse[victim.key] = nil }
        }
        lastUse[shard] = position
        downloads += 1
      }
      for shard in needed { lastUse[shard] = position }
    }
    return downloads
  }
}
