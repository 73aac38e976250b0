import Synchronization

/// Keeps the number of a label's values within a bound: the first names are kept, all later ones are `other`.
///
/// A name keeps its label for good, so that no counter goes back.
final class BoundedLabels: Sendable {
  /// Values of a label at most, `other` not counted.
  static let limit = 100
  static let other = "other"

  private let known = Mutex<Set<String>>([])
  private let limit: Int

  init(limit: Int = BoundedLabels.limit) { self.limit = limit }

  func label(_ name: String) -> String {
    known.withLock { known in
      if known.contains(name) { return name }
      guard known.count < limit else { return Self.other }
      known.insert(name)
      return name
    }
  }
}
