import DatasetModel
import StreamRegistry
import StreamSourceConformance
import Testing

@testable import my_sluiced

/// The suite that Sluice's own kinds pass, over a kind of one's own.
@Suite struct SquaresStreamTests {
  @Test func conforms() async throws {
    let source = try SquaresStream(StreamConfiguration(name: "squares", kind: "squares"))
    let findings = await StreamSourceConformance(source).check()
    #expect(findings.isEmpty, "\(findings)")
  }
}
