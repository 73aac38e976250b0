import Planning
import Testing

/// The reference's own answers: 400 cases, 333 plans and 67 refusals.
struct GoldenPlansTests {
  @Test(arguments: [1, 2, 5])
  func everyCaseIsIdentical(threads: Int) async throws {
    let cases = try Fixtures.goldenCases()
    #expect(cases.count == 400)
    var identical = 0
    for problem in cases {
      let differences = try CaseCheck.differences(problem, await outcome(problem.request, threads: threads)) {
        try $0.tensorSHA256()
      }
      #expect(differences.isEmpty, "\(differences.joined(separator: "; "))")
      if differences.isEmpty { identical += 1 }
    }
    #expect(identical == 400)
  }
}
