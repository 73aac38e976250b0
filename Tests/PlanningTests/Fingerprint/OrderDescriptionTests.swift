import Codecs
import DatasetModel
import Testing

@testable import Planning

/// What a fingerprint covers, and how a change is told.
struct OrderDescriptionTests {
  private static func request() -> PlanRequest {
    var options = DatasetOptions()
    options.shuffle = true
    options.canonicalNodes = 4
    return PlanRequest(
      streams: [
        PlanStream(name: "code", shardSamples: [10, 20], weight: .proportion(0.25)),
        PlanStream(name: "web pages", shardSamples: [30, 40, 50], weight: .proportion(0.75)),
      ], options: options, world: World(nodes: 2, ranksPerNode: 4, workersPerRank: 2))
  }

  private func describe(
    changing change: (inout PlanRequest) -> Void = { _ in },
    identity: (Int, Int) -> [UInt8] = { [UInt8($0), UInt8($1)] }
  ) throws -> OrderDescription {
    var request = Self.request()
    change(&request)
    return OrderDescription(try EpochSetup(request), identities: identity) { WholeDigest() }
  }

  @Test func theTextReadsBack() throws {
    let description = try describe()
    #expect(try OrderDescription(text: description.text) == description)
    #expect(description.text.hasPrefix("sluice-order 1\noption batching_method random\n"))
    #expect(description.text.contains("stream web%20pages choose "))
    #expect(description.text.utf8.count < 1000)
  }

  @Test func theWorldAndBatchSizeAreNotPartOfIt() throws {
    let other = try describe(changing: {
      $0.world = World(nodes: 1, ranksPerNode: 2, workersPerRank: 8)
      $0.options.batchSize = 7
      $0.epoch = 3
    })
    #expect(other == (try describe()))
  }

  @Test func aCheckpointsOptionsCountAsTheDatasets() throws {
    let resumed = try describe(changing: {
      $0.options.canonicalNodes = nil
      $0.resume = ResumePoint(epoch: 0, sampleInEpoch: 8, canonicalNodes: 4, shuffleSeed: 9176)
    })
    #expect(resumed == (try describe()))
  }

  @Test func differencesNameWhatChanged() throws {
    let before = try describe()
    #expect(try describe().differences(from: before).isEmpty)
    let cases: [((inout PlanRequest) -> Void, String)] = [
      ({ $0.options.shuffleSeed = 1 }, "shuffle_seed was 9176, and is 1"),
      ({ $0.options.shuffleAlgorithm = "py1br" }, "shuffle_algo was py1e, and is py1br"),
      (
        { $0.streams[1].shardSamples += [5, 5] },
        "stream 'web pages' gained 2 shards: 3 with 120 samples before, 5 with 130 now"
      ),
      ({ $0.streams[0].shardSamples[0] = 11 }, "stream 'code' had 30 samples in its 2 shards, and has 31"),
      ({ $0.streams[0].weight = .proportion(0.5) }, "the share of stream 'code' was 0.25, and is 0.4"),
      ({ $0.streams.swapAt(0, 1) }, "the streams were in the order 'code', 'web pages', and are 'web pages', 'code'"),
      ({ $0.streams[0].name = "books" }, "stream 'code' (2 shards, 30 samples) is gone"),
      ({ $0.streams[0].name = "books" }, "stream 'books' (2 shards, 30 samples) is new"),
    ]
    for (change, expected) in cases {
      let lines = try describe(changing: change).differences(from: before)
      #expect(lines.contains(expected), "\(lines)")
    }
    let replaced = try describe(identity: { [UInt8($0), UInt8($1), 9] })
    #expect(
      replaced.differences(from: before).first
        == "stream 'code' has as many shards and samples as before, but other shards")
  }

  @Test func anotherVersionIsNamed() {
    #expect(throws: OrderDescription.TextError.version("sluice-order 2")) {
      try OrderDescription(text: "sluice-order 2\n")
    }
    #expect(throws: OrderDescription.TextError.line(2, "stream a")) {
      try OrderDescription(text: "sluice-order 1\nstream a\n")
    }
  }

  @Test func everyChangeChangesTheFingerprint() throws {
    let base = try describe().fingerprint(WholeDigest())
    #expect(base == (try describe().fingerprint(WholeDigest())))
    #expect(base.description.count == 64)
    let other = try describe(changing: { $0.options.samplingMethod = "fixed" }).fingerprint(WholeDigest())
    #expect(base != other)
  }
}

/// SHA-256 of everything at once, whose beginning cannot fail.
private final class WholeDigest: OrderDigest {
  private var bytes: [UInt8] = []
  func update(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }
  consuming func finalizeBytes() -> [UInt8] { Digest.sha256(bytes) }
}
