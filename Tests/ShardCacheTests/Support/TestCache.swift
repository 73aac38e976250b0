import DatasetModel
import Foundation
import LinuxSystem
import Synchronization

@testable import ShardCache

/// A directory that is removed with this object.
final class TemporaryDirectory: Sendable {
  let path: String

  init(in parent: String = NSTemporaryDirectory()) {
    path = "\(parent.hasSuffix("/") ? String(parent.dropLast()) : parent)/sluice-cache-\(UUID().uuidString)"
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch { preconditionFailure("no temporary directory: \(error)") }
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
  }

  /// Every file below, by path relative to it, with its size.
  func files() throws -> [String: Int] {
    var found: [String: Int] = [:]
    let walker = FileManager.default.enumerator(atPath: path)
    while let name = walker?.nextObject() as? String {
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
      guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
      found[name] = attributes[.size] as? Int ?? 0
    }
    return found
  }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let target = URL(fileURLWithPath: "\(path)/\(name)")
    try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: target)
  }

  func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
  }
}

/// What a cache reported, in order.
final class EventLog: Sendable {
  private let events = Mutex<[CacheEvent]>([])

  func add(_ event: CacheEvent) { events.withLock { $0.append(event) } }

  var all: [CacheEvent] { events.withLock { $0 } }

  /// Lines of warnings.
  var warnings: [String] { all.filter(\.isWarning).map(\.description) }
}

/// A cache in a directory of its own.
struct TestCache {
  let cache: ShardCache
  let report: RecoveryReport
  let events: EventLog

  init(
    in directory: TemporaryDirectory, limit: Int? = nil, streams: [String: Int] = [:], reserve: Int = 0,
    observer: (any StagingObserver)? = nil, clock: ManualClock? = nil, firstDiskLook: Duration? = nil
  ) async throws {
    let events = EventLog()
    var limits = CacheLimits(total: limit, freeSpaceReserve: reserve)
    for (name, bytes) in streams { limits.streams[.init(name)] = bytes }
    var options = ShardCache.Options(limits: limits, onEvent: { events.add($0) })
    if let observer { options.observer = observer }
    if let clock { options.clock = { clock.now } }
    if let firstDiskLook { options.firstDiskLook = firstDiskLook }
    let pool = BlockingPool(name: "test", threads: 4)
    (cache, report) = try await ShardCache.open(directory: directory.path, pool: pool, options: options)
    self.events = events
  }
}

/// A clock that stands still until a test moves it.
final class ManualClock: Sendable {
  private let time = Mutex(0.0)

  /// Seconds.
  var now: Double { time.withLock { $0 } }

  func advance(by seconds: Double) { time.withLock { $0 += seconds } }
}

/// Lets tasks wait until a test says go, or until something was reached, without sleeping.
final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for one in waiting { one.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }
}

/// Counts down.
final class Gauge: Sendable {
  private let left: Mutex<Int>

  init(_ count: Int) { left = Mutex(count) }

  /// True so many times.
  func take() -> Bool {
    left.withLock { left in
      left -= 1
      return left >= 0
    }
  }
}

extension ShardCache {
  /// Waits until no download or unlink is under way.
  func settleWork() async {
    while let task = state.withLock({ $0.work.values.first }) { await task.value }
  }

  /// Whether the disk is to be looked at again, for somebody who waits.
  var isWaitingForDisk: Bool { state.withLock { $0.recheck != nil } }
}
