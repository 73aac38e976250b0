import Testing

@testable import ShardCache

@Suite struct PhaseTimelineTests {
  private var timeline: PhaseTimeline {
    var timeline = PhaseTimeline()
    timeline.enter(.download, now: 10)
    timeline.enter(.decompress, now: 20)
    timeline.carve(2, for: .verify, now: 25)
    timeline.enter(.verify, now: 25)
    return timeline
  }

  @Test func aWaitIsSplitAlongTheWay() {
    let seconds = timeline.split(from: 4, to: 30)
    #expect(seconds.queue == 6 && seconds.download == 10 && seconds.decompress == 3 && seconds.verify == 7)
    #expect(seconds.total == 26)
  }

  @Test func whoComesLateWaitsForTheRest() {
    let seconds = timeline.split(from: 22, to: 24)
    #expect(seconds.queue == 0 && seconds.download == 0 && seconds.decompress == 1 && seconds.verify == 1)
  }

  @Test func withoutAShardOnItsWayItIsTheQueue() {
    #expect(PhaseTimeline().split(from: 1, to: 5).queue == 4)
    #expect(timeline.split(from: 1, to: 5).queue == 4)
  }

  @Test func aTurnThatCameLateWasTheQueue() {
    var timeline = PhaseTimeline()
    timeline.enter(.download, now: 1)
    timeline.recast(as: .queue)
    timeline.enter(.download, now: 4)
    let seconds = timeline.split(from: 0, to: 5)
    #expect(seconds.queue == 4 && seconds.download == 1)
  }

  @Test func sumsAreTheWholeWaitWhateverHappens() {
    let seed = UInt64.random(in: 0..<UInt64.max)
    print("seed \(seed)")
    var random = SeededRandom(seed)
    for _ in 0..<500 {
      var timeline = PhaseTimeline()
      var now = 0.0
      for _ in 0..<Int.random(in: 0..<20, using: &random) {
        now += Double.random(in: 0..<3, using: &random)
        let phase = ShardPhase.allCases.randomElement(using: &random) ?? .queue
        switch Int.random(in: 0..<4, using: &random) {
        case 0: timeline.carve(Double.random(in: 0..<2, using: &random), for: phase, now: now)
        case 1: timeline.recast(as: phase)
        default: timeline.enter(phase, now: now)
        }
      }
      let start = Double.random(in: 0...(now + 1), using: &random)
      let end = start + Double.random(in: 0..<10, using: &random)
      let seconds = timeline.split(from: start, to: end)
      #expect(abs(seconds.total - (end - start)) < 1e-9, "seed \(seed)")
    }
  }

  @Test func itDoesNotGrowWithoutBound() {
    var timeline = PhaseTimeline()
    for round in 0..<10 * PhaseTimeline.limit {
      timeline.enter(round % 2 == 0 ? .download : .verify, now: Double(round))
    }
    #expect(timeline.marks.count == PhaseTimeline.limit)
  }
}
