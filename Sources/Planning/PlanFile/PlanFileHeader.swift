import DatasetModel

/// Numbers and texts one after the other, little-endian: how a plan file's header is written and read.
struct HeaderWriter {
  private(set) var bytes: [UInt8] = []

  mutating func number(_ value: Int) {
    withUnsafeBytes(of: UInt64(bitPattern: Int64(value)).littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func text(_ text: some Collection<UInt8>) {
    number(text.count)
    bytes.append(contentsOf: text)
    bytes.append(contentsOf: repeatElement(0, count: (8 - text.count % 8) % 8))
  }
}

/// Reads what `HeaderWriter` wrote; nil from where the bytes end.
struct HeaderReader {
  private let bytes: ArraySlice<UInt8>
  private var at: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    at = bytes.startIndex
  }

  mutating func number() -> Int? {
    guard bytes.endIndex - at >= 8 else { return nil }
    var value: UInt64 = 0
    for offset in (0..<8).reversed() { value = value << 8 | UInt64(bytes[at + offset]) }
    at += 8
    return Int(Int64(bitPattern: value))
  }

  mutating func text() -> [UInt8]? {
    guard let count = number(), count >= 0, count <= bytes.endIndex - at else { return nil }
    let text = Array(bytes[at..<at + count])
    at = min(bytes.endIndex, at + count + (8 - count % 8) % 8)
    return text
  }

  mutating func numbers(_ count: Int) -> [Int]? {
    guard count >= 0, count <= (bytes.endIndex - at) / 8 else { return nil }
    var numbers: [Int] = []
    for _ in 0..<count {
      guard let number = number() else { return nil }
      numbers.append(number)
    }
    return numbers
  }
}

/// What a plan file says before its ids.
struct PlanFileHeader {
  let fingerprint: Fingerprint
  let summary: PlanSummary
  let ranks: Range<Int>
  let listLength: Int

  init(fingerprint: Fingerprint, plan: EpochPlan) {
    self.fingerprint = fingerprint
    summary = plan.summary
    ranks = plan.ranks
    listLength = plan.storage.length
  }

  var bytes: [UInt8] {
    var writer = HeaderWriter()
    writer.text(fingerprint.bytes)
    let shape = summary.shape
    for number in [
      summary.epoch, summary.sampleInEpoch, summary.initialPhysicalNodes ?? 0, summary.world.nodes,
      summary.world.ranksPerNode, summary.world.workersPerRank, summary.replication, shape.nodes, shape.ranksPerNode,
      shape.workersPerRank, shape.batchesPerWorker, shape.batchSize, summary.epochSize, summary.canonicalNodes,
      summary.shuffleBlockSize, summary.shuffleSeed, summary.datasetLength, summary.totalSamples, ranks.lowerBound,
      ranks.upperBound, listLength, summary.choosePerStream.count,
    ] { writer.number(number) }
    for choose in summary.choosePerStream { writer.number(choose) }
    writer.number(summary.warnings.count)
    for warning in summary.warnings {
      writer.text(Array(warning.kind.rawValue.utf8))
      writer.text(Array(warning.text.utf8))
    }
    return writer.bytes
  }

  /// Nil if the bytes are not a header, which their checksum makes a bug rather than an accident.
  init?(_ bytes: ArraySlice<UInt8>) {
    var reader = HeaderReader(bytes)
    guard let print = reader.text(), let n = reader.numbers(22), let choose = reader.numbers(n[21]),
      let warningCount = reader.number()
    else { return nil }
    var warnings: [PlanningWarning] = []
    for _ in 0..<max(0, warningCount) {
      guard let kind = reader.text(), let text = reader.text(),
        let known = PlanningWarning.Kind(rawValue: String(decoding: kind, as: UTF8.self))
      else { return nil }
      warnings.append(PlanningWarning(known, String(decoding: text, as: UTF8.self)))
    }
    guard n[3...7].allSatisfy({ $0 >= 1 }), n[8...9].allSatisfy({ $0 >= 1 }), n[10] >= 0, n[11] >= 1,
      n[18] >= 0, n[18] <= n[19], n[19] <= n[7] * n[8], n[20] >= 0
    else { return nil }
    fingerprint = Fingerprint(print)
    ranks = n[18]..<n[19]
    listLength = n[20]
    summary = PlanSummary(
      epoch: n[0], sampleInEpoch: n[1], initialPhysicalNodes: n[2] == 0 ? nil : n[2],
      world: World(nodes: n[3], ranksPerNode: n[4], workersPerRank: n[5]), replication: n[6],
      shape: PlanShape(
        nodes: n[7], ranksPerNode: n[8], workersPerRank: n[9], batchesPerWorker: n[10], batchSize: n[11]),
      epochSize: n[12], choosePerStream: choose, canonicalNodes: n[13], shuffleBlockSize: n[14], shuffleSeed: n[15],
      datasetLength: n[16], totalSamples: n[17], warnings: warnings)
  }
}
