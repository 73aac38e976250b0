import FaultServer
import Testing

@testable import Transfer

struct RangeAdvisorTests {
  /// One file of 64 MiB after another, at these rates; how many of them went in parts.
  func history(_ count: Int, whole: Double, parts: Double) -> Int {
    var trial = RangeTrial()
    var inParts = 0
    for _ in 0..<count {
      let wants = trial.wantsParts
      inParts += wants ? 1 : 0
      trial.arrived(inParts: wants, bytesPerSecond: wants ? parts : whole)
    }
    return inParts
  }

  @Test func rangesAreTriedAndKeptOnlyWhereTheyHelp() {
    #expect(history(100, whole: 50e6, parts: 180e6) == 98)
    #expect(history(100, whole: 400e6, parts: 380e6) == 2)
    #expect(history(100, whole: 400e6, parts: 480e6) == 2)
  }

  @Test func smallFilesAndCompanyGoWhole() {
    let advisor = RangeAdvisor(clock: TransferClock(now: { 0 }, sleep: { _ in }))
    #expect(advisor.begin(bytes: 1000).parts == 1)
    #expect(RangeAdvisor(parts: 8).begin(bytes: 64 << 20).parts == 8)
    #expect(RangeAdvisor(parts: 8).begin(bytes: 1 << 20).parts == 1)
    #expect(RangeAdvisor(parts: 1).begin(bytes: 64 << 20).parts == 1)
    let refused = RangeAdvisor(parts: 8)
    refused.refuse()
    #expect(refused.begin(bytes: 64 << 20).parts == 1)
  }

  @Test func onlyFilesThatWereAloneTeach() {
    let time = Counter()
    let advisor = RangeAdvisor(clock: TransferClock(now: { Double(time.value) }, sleep: { _ in }))
    let length = 64 << 20
    for _ in 0..<5 {
      let (first, second) = (advisor.begin(bytes: length), advisor.begin(bytes: length))
      time.add()
      #expect(first.parts == 1 && second.parts == 1)
      advisor.end(first, moved: length)
      advisor.end(second, moved: length)
    }
    for expected in [1, 1, 4, 4] {
      let ticket = advisor.begin(bytes: length)
      #expect(ticket.parts == expected)
      time.add(ticket.parts == 1 ? 4 : 1)
      advisor.end(ticket, moved: length)
    }
    #expect(advisor.begin(bytes: length).parts == 4)
  }
}
