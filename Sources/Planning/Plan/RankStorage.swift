/// The lists of a plan's ranks, wherever they lie: in memory as planned, or in a plan file. Ids take 4 or 8 bytes each.
enum RankStorage: Sendable {
  case narrow(RankLists<UInt32>)
  case wide(RankLists<UInt64>)
  case file(any PlanBytes, offset: Int, isWide: Bool, ranks: Range<Int>, length: Int)

  /// Places of each rank's list.
  var length: Int {
    switch self {
    case .narrow(let lists): lists.length
    case .wide(let lists): lists.length
    case .file(_, _, _, _, let length): length
    }
  }

  /// Planning ranks whose lists are kept.
  var ranks: Range<Int> {
    switch self {
    case .narrow(let lists): lists.ranks
    case .wide(let lists): lists.ranks
    case .file(_, _, _, let ranks, _): ranks
    }
  }

  /// Bytes of an id.
  var idBytes: Int {
    switch self {
    case .narrow: 4
    case .wide: 8
    case .file(_, _, let isWide, _, _): isWide ? 8 : 4
    }
  }

  /// Calls `body` with a stretch of a rank's list, clamped to what the list holds.
  func withIDs<Result>(_ rank: Int, _ places: Range<Int>, _ body: (IDs) -> Result) -> Result {
    let places = places.clamped(to: 0..<length)
    switch self {
    case .narrow(let lists):
      return lists.withIDs(rank, places) { body(IDs(bytes: UnsafeRawBufferPointer($0), isWide: false)) }
    case .wide(let lists):
      return lists.withIDs(rank, places) { body(IDs(bytes: UnsafeRawBufferPointer($0), isWide: true)) }
    case .file(let bytes, let offset, let isWide, let ranks, let length):
      let first = offset + ((rank - ranks.lowerBound) * length + places.lowerBound) * idBytes
      return bytes.withBytes {
        body(IDs(bytes: UnsafeRawBufferPointer(rebasing: $0[first..<first + places.count * idBytes]), isWide: isWide))
      }
    }
  }
}

/// A stretch of a list: ids and vacant places.
struct IDs {
  let bytes: UnsafeRawBufferPointer
  let isWide: Bool

  var count: Int { bytes.count / (isWide ? 8 : 4) }

  /// The sample id at a place; nil where it is vacant.
  @inline(__always)
  subscript(_ place: Int) -> Int? {
    if isWide {
      let id = bytes.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self)
      return id == .max ? nil : Int(truncatingIfNeeded: id)
    }
    let id = bytes.loadUnaligned(fromByteOffset: place * 4, as: UInt32.self)
    return id == .max ? nil : Int(truncatingIfNeeded: id)
  }
}

extension RankLists {
  /// Ranks of all blocks.
  var ranks: Range<Int> { (blocks.first?.ranks.lowerBound ?? 0)..<(blocks.last?.ranks.upperBound ?? 0) }

  fileprivate func withIDs<Result>(
    _ rank: Int, _ places: Range<Int>, _ body: (UnsafeBufferPointer<ID>) -> Result
  ) -> Result {
    guard let block = blocks.first(where: { $0.ranks.contains(rank) }) else { return body(.init(start: nil, count: 0)) }
    let first = (rank - block.ranks.lowerBound) * length
    return block.ids.withUnsafeBufferPointer {
      body(UnsafeBufferPointer(rebasing: $0[first + places.lowerBound..<first + places.upperBound]))
    }
  }
}
