import Synchronization

/// A count that several tasks share.
public final class Counter: Sendable {
  private let count = Atomic(0)
  public var value: Int { count.load(ordering: .sequentiallyConsistent) }
  public init() {}
  public func add(_ more: Int = 1) { count.add(more, ordering: .sequentiallyConsistent) }
}
