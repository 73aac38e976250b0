/// One thing wrong with a configuration: where it stands, and what would be right.
public struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
  /// Line in the file, from 1; 0 when it has none.
  public let line: Int
  /// The key with those it stands under: `streams.pile.download_retry`. Empty for the document as a whole.
  public let keyPath: String
  /// What is wrong and what would be right, in one line. Never a secret's value.
  public let message: String

  public init(line: Int, keyPath: String, message: String) {
    self.line = line
    self.keyPath = keyPath
    self.message = message
  }

  public var description: String {
    (line > 0 ? "line \(line): " : "") + (keyPath.isEmpty ? "" : "\(keyPath): ") + message
  }
}

/// Everything wrong with a piece of configuration, in the order of its lines: what a kind throws when its stream's
/// configuration does not serve.
public struct ConfigurationProblems: Error, Sendable, Hashable, CustomStringConvertible {
  public let problems: [ConfigurationProblem]

  /// Sorts by line; problems of one line keep their order.
  public init(_ problems: [ConfigurationProblem]) {
    self.problems = problems.enumerated()
      .sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }.map(\.element)
  }

  /// A single problem.
  public init(line: Int, keyPath: String, message: String) {
    self.init([ConfigurationProblem(line: line, keyPath: keyPath, message: message)])
  }

  /// One line for each problem.
  public var description: String { problems.map(\.description).joined(separator: "\n") }
}
