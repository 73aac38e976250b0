import Synchronization

/// A count that several tasks share.
final class Counter: Sendable {
  private let count = Atomic(0)
  var value: Int { count.load(ordering: .sequentiallyConsistent) }
  func add(_ more: Int = 1) { count.add(more, ordering: .sequentiallyConsistent) }
}
