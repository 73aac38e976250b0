import StreamRegistry

/// A configuration that cannot be used: its file, and everything that is wrong with it.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The file as the caller named it.
  public let file: String
  /// Everything wrong, in the order of the lines.
  public let problems: [ConfigurationProblem]

  public init(file: String, _ problems: [ConfigurationProblem]) {
    self.file = file
    self.problems = ConfigurationProblems(problems).problems
  }

  /// A problem of the file as a whole.
  init(file: String, message: String) {
    self.init(file: file, [ConfigurationProblem(line: 0, keyPath: "", message: message)])
  }

  /// One line for each problem, as compilers write them: `sluice.yaml:12: streams.pile.remot: unknown key; …`.
  public var description: String {
    problems.map { problem in
      let place = problem.line > 0 ? "\(file):\(problem.line): " : "\(file): "
      return place + (problem.keyPath.isEmpty ? "" : "\(problem.keyPath): ") + problem.message
    }.joined(separator: "\n")
  }
}
