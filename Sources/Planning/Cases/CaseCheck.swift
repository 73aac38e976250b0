/// How a plan differs from the reference's answer to its case.
public enum CaseCheck {
  /// One line per difference; none when the plan is the reference's. A refusal of both counts as identical.
  ///
  /// - Parameters:
  ///   - outcome: Sluice's plan, or why it made none.
  ///   - sha256: the digest of the plan's tensor, hexadecimal; not asked for a refusal.
  public static func differences(
    _ problem: PlanCase, _ outcome: Result<EpochPlan, PlanningError>, sha256: (EpochPlan) throws -> String
  ) rethrows -> [String] {
    let differences: [String]
    switch (problem.answer, outcome) {
    case (.refusal, .failure): differences = []
    case (.unknown, _): differences = ["has neither expect nor error to compare with"]
    case (.refusal(let message), .success(let plan)):
      differences = ["the reference refuses (\(message)), Sluice plans \(plan.shape.dimensions)"]
    case (.plan(let expected), .failure(let error)):
      differences = ["the reference plans \(expected.shape), Sluice refuses: \(error)"]
    case (.plan(let expected), .success(let plan)):
      differences = try compare(expected, plan, sha256)
    }
    let name = problem.id.map { "case \($0): " } ?? ""
    return differences.map { name + $0 }
  }

  private static func compare(
    _ expected: PlanCase.Expectation, _ plan: EpochPlan, _ sha256: (EpochPlan) throws -> String
  ) rethrows -> [String] {
    var differences: [String] = []
    func compare(_ what: String, _ expected: [Int]?, _ actual: [Int]) {
      if let expected, expected != actual { differences.append("\(what) is \(actual), the reference's \(expected)") }
    }
    let summary = plan.summary
    compare("shape", expected.shape, plan.shape.dimensions)
    compare("epoch_size", expected.derived["epoch_size"], [summary.epochSize])
    compare("num_canonical_nodes", expected.derived["num_canonical_nodes"], [summary.canonicalNodes])
    compare("shuffle_block_size", expected.derived["shuffle_block_size"], [summary.shuffleBlockSize])
    compare("choose_per_stream", expected.derived["choose_per_stream"], summary.choosePerStream)
    compare("length", expected.derived["length"], [summary.datasetLength])
    if !expected.sha256.isEmpty {
      let digest = try sha256(plan)
      if digest != expected.sha256 {
        compare("head", expected.head, plan.tensorHead(expected.head.count))
        differences.append("sha256 is \(digest), the reference's \(expected.sha256)")
      }
    }
    return differences
  }
}
