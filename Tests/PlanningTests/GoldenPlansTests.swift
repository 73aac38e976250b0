import Planning
import Testing

/// The reference's own answers: 400 cases, 333 plans and 67 refusals.
struct GoldenPlansTests {
  /// Each case once, on one to four threads in turn: the plan may not depend on it.
  @Test func everyCaseIsIdentical() async throws {
    let cases = try Fixtures.goldenCases()
    #expect(cases.count == 400)
    var identical = 0
    for (index, problem) in cases.enumerated() {
      let outcome = await outcome(problem.request, threads: 1 + index % 4)
      let differences = try CaseCheck.differences(problem, outcome) { try $0.tensorSHA256() }
      #expect(differences.isEmpty, "\(differences.joined(separator: "; "))")
      if differences.isEmpty { identical += 1 }
    }
    #expect(identical == 400)
  }
}
