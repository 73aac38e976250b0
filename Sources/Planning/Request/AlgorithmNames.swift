/// A closed table of algorithms that options name.
public protocol AlgorithmName: RawRepresentable, CaseIterable, Hashable, Sendable where RawValue == String {
  /// The option whose values these are.
  static var option: String { get }
}

extension AlgorithmName {
  /// The algorithm of that name.
  ///
  /// - Throws: `PlanningError.unknownName`, which lists what exists and the nearest name.
  public init(named name: String) throws(PlanningError) {
    guard let known = Self(rawValue: name) else {
      throw .unknownName(option: Self.option, value: name, known: Self.allCases.map(\.rawValue))
    }
    self = known
  }
}

/// How much of each shard an epoch draws when it does not draw all of it.
public enum SamplingMethod: String, AlgorithmName {
  /// A new choice every epoch.
  case balanced
  /// The same choice every epoch.
  case fixed

  /// The option's name.
  public static let option = "sampling_method"
}

/// How samples are spread over nodes.
public enum PartitionAlgorithm: String, AlgorithmName {
  /// As `orig`, but an epoch begun on one node count may continue on another that does not divide.
  case relaxed
  /// Canonical nodes are spread over physical ones; one count must divide the other.
  case orig

  /// The option's name.
  public static let option = "partition_algo"
}

extension String {
  /// The name of `names` that a typing error most likely meant.
  func nearest(of names: [String]) -> String? {
    names.map { ($0, lowercased().editDistance(to: $0.lowercased())) }
      .filter { $0.1 <= max(2, $0.0.count / 2) }
      .min { $0.1 < $1.1 }?.0
  }

  /// Insertions, deletions and replacements that turn one into the other (Levenshtein).
  func editDistance(to other: String) -> Int {
    let target = Array(other)
    var row = Array(0...target.count)
    for (index, letter) in enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for (column, wanted) in target.enumerated() {
        let replaced = diagonal + (letter == wanted ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = Swift.min(replaced, diagonal + 1, row[column] + 1)
      }
    }
    return row[target.count]
  }
}
