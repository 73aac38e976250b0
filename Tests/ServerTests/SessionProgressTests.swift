import AdminDocuments
import DatasetModel
import Testing

@testable import Server
@testable import ShardCache

@Suite struct SessionProgressTests {
  @Test func everySecondBelongsToOneCause() {
    var progress = SessionProgress(now: 0)
    progress.requested(now: 0)
    progress.waits(for: "the plan of epoch 0", since: 0)
    progress.waited(until: 2)
    progress.replied(now: 2)
    progress.requested(now: 5)
    progress.waits(for: "shards", on: ShardWait(), since: 5)
    #expect(progress.stalls(now: 6, waiting: PhaseSeconds()).queue == 1)
    progress.waited(until: 9)
    progress.served(next: 1, count: 1, samples: 8, bytes: 100, now: 9)
    let stalls = progress.stalls(now: 10, waiting: nil)
    #expect(stalls.plan == 2 && stalls.client == 4 && stalls.queue == 4)
    #expect(StallSeconds.causes.reduce(0) { $0 + $1.seconds(stalls) } == 10)
  }

  @Test func sumsOfADatasetNeverGoBack() {
    let directory = SessionDirectory(labels: BoundedLabels())
    func session(_ number: Int) -> SessionRecord {
      SessionRecord(
        number: number, client: "c", process: 1, user: 0, dataset: "all", rank: 0, ranks: 1,
        future: SessionID(number: number), now: 0)
    }
    let (first, second) = (session(1), session(2))
    for session in [first, second] {
      directory.add(session)
      session.progress { $0.served(next: 1, count: 1, samples: 8, bytes: 100, now: 1) }
    }
    #expect(directory.sums["all"]?.samples == 16)
    directory.remove(first, now: 4)
    directory.remove(first, now: 9)
    let sums = directory.sums["all"]
    #expect(sums?.samples == 16 && sums?.bytes == 200 && sums?.sessions == 2 && sums?.batches == 2)
    #expect(sums?.stalls.client == 3)
    directory.remove(second, now: 4)
    #expect(directory.sums["all"]?.stalls.client == 6)
    #expect(directory.all.isEmpty)
  }
}
