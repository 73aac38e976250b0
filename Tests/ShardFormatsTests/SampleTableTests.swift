import DatasetModel
import ShardFormats
import Testing

@Suite struct SampleTableTests {
  /// A head of the given numbers.
  private func head(_ numbers: UInt32...) -> [UInt8] {
    numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
  }

  private func mds(samples: Int, bytes: Int) -> ShardDescriptor {
    ShardDescriptor(
      format: .mds, samples: samples, data: FilePair(raw: FileRecord(basename: "s.mds", bytes: bytes)), schema: 0)
  }

  private func split(samples: Int, bytes: Int, meta: Int) -> ShardDescriptor {
    ShardDescriptor(
      format: .json, samples: samples, data: FilePair(raw: FileRecord(basename: "s.json", bytes: bytes)),
      meta: FilePair(raw: FileRecord(basename: "s.json.meta", bytes: meta)), schema: 0)
  }

  @Test func rangesOfASoundTable() throws {
    let table = try SampleTable(
      head: head(2, 20, 30, 31), of: mds(samples: 2, bytes: 31), at: 4, stream: "s")
    #expect(table.count == 2)
    #expect(table[0] == 20..<30)
    #expect(table[1] == 30..<31)
  }

  @Test func emptyShard() throws {
    #expect(try SampleTable(head: head(0, 9), of: mds(samples: 0, bytes: 9), at: 0, stream: "s").count == 0)
    #expect(
      try SampleTable(head: head(0, 0), of: split(samples: 0, bytes: 0, meta: 8), at: 0, stream: "s").count == 0)
  }

  @Test func largestOffsets() throws {
    let end = UInt32.max
    let table = try SampleTable(
      head: head(2, 16, end - 1, end), of: mds(samples: 2, bytes: Int(end)), at: 0, stream: "s")
    #expect(table[1] == Int(end) - 1..<Int(end))
  }

  struct Case: Sendable {
    let numbers: [UInt32]
    let field: String
    let fault: ShardFault
  }

  /// All for an MDS shard of two samples and 31 bytes.
  static let faults = [
    Case(numbers: [], field: "samples", fault: .headCutOff(bytes: 0, needed: 16)),
    Case(numbers: [2, 20], field: "offsets", fault: .headCutOff(bytes: 8, needed: 16)),
    Case(numbers: [3, 20, 30, 31], field: "samples", fault: .wrongSampleCount(found: 3, promised: 2)),
    Case(
      numbers: [.max, 20, 30, 31], field: "samples", fault: .wrongSampleCount(found: 4_294_967_295, promised: 2)),
    Case(numbers: [2, 15, 30, 31], field: "offsets[0]", fault: .startsInsideHead(offset: 15, head: 16)),
    Case(numbers: [2, 30, 20, 31], field: "offsets[1]", fault: .runsBackwards(offset: 20, previous: 30)),
    Case(numbers: [2, 20, 32, 31], field: "offsets[2]", fault: .runsBackwards(offset: 31, previous: 32)),
    Case(numbers: [2, 20, 20, 31], field: "sample 0", fault: .emptySample),
    Case(numbers: [2, 20, 30, 32], field: "offsets[2]", fault: .wrongEnd(offset: 32, bytes: 31)),
    Case(numbers: [2, 20, 25, 30], field: "offsets[2]", fault: .wrongEnd(offset: 30, bytes: 31)),
  ]

  @Test(arguments: faults) func refused(_ bent: Case) {
    let head = bent.numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
    let error = #expect(throws: ShardError.self) {
      try SampleTable(head: head, of: mds(samples: 2, bytes: 31), at: 4, stream: "s")
    }
    #expect(
      error == ShardError(stream: "s", shard: 4, basename: "s.mds", field: bent.field, fault: bent.fault))
  }

  @Test func wrongFileSizesAreFoundBeforeReading() {
    var reads = 0
    for sizes in [(30, nil), (32, nil)] as [(Int, Int?)] {
      #expect(throws: SampleTableFailure<Never>.self) {
        try SampleTable.read(mds(samples: 2, bytes: 31), at: 0, stream: "s", sizes: sizes) { (_, _) throws(Never) in
          reads += 1
          return []
        }
      }
    }
    #expect(throws: SampleTableFailure<Never>.self) {
      try SampleTable.read(split(samples: 0, bytes: 0, meta: 9), at: 0, stream: "s", sizes: (0, nil)) {
        (_, _) throws(Never) in
        reads += 1
        return []
      }
    }
    #expect(reads == 0)
  }

  @Test func messageNamesStreamShardFileAndField() {
    let error = ShardError(
      stream: "c4", shard: 17, basename: "shard.00017.mds", field: "offsets[3]",
      fault: .runsBackwards(offset: 5, previous: 9))
    #expect(
      error.description
        == "stream \"c4\", shard 17 (shard.00017.mds), offsets[3]: 5 is before the previous offset, 9")
  }
}
