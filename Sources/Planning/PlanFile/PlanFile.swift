/// The file a plan is kept in: mapped, not read.
///
/// A preamble of 64 bytes (magic, version, bytes of an id, header length, payload offset and length, checksums of header
/// and payload; little-endian), the header, and from a multiple of 64 bytes on the ids: the lists of the plan's ranks,
/// each as long as the other, an id of 4 or 8 bytes, all ones for a vacant place.
public enum PlanFile {
  /// The version that this code writes, and the only one it reads.
  public static let version = 1
  /// The first eight bytes.
  static let magic = Array("SLUICEPL".utf8)
  static let preambleBytes = 64
  /// The largest header that is read.
  static let headerLimit = 1 << 26

  /// Why a file cannot be used. In every case the remedy is to plan anew.
  public enum Problem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file does not begin as a plan file.
    case notAPlan
    /// Another version of Sluice wrote the file.
    case version(Int)
    /// The file is shorter or longer than it says.
    case length(expected: Int, found: Int)
    /// The header's checksum does not match.
    case alteredHeader
    /// The ids' checksum does not match.
    case alteredOrder
    /// The file holds another plan.
    case otherPlan

    /// What is wrong.
    public var description: String {
      switch self {
      case .notAPlan: "the file is not a plan"
      case .version(let found): "the plan is of version \(found), and this Sluice reads version \(PlanFile.version)"
      case .length(let expected, let found): "the plan should take \(expected) bytes and takes \(found)"
      case .alteredHeader: "the plan's header was altered"
      case .alteredOrder: "the plan's order was altered"
      case .otherPlan: "the file holds the plan of another dataset, world or epoch"
      }
    }
  }

  /// Bytes that a plan's file will take, to reserve them before writing.
  public static func size(of plan: EpochPlan, _ fingerprint: Fingerprint) -> Int {
    payloadOffset(header: PlanFileHeader(fingerprint: fingerprint, plan: plan).bytes.count) + plan.bytes
  }

  /// Writes a plan: calls `emit` with the file's bytes, in order.
  public static func write<Failure: Error>(
    _ plan: EpochPlan, _ fingerprint: Fingerprint, emit: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let header = PlanFileHeader(fingerprint: fingerprint, plan: plan).bytes
    var checksum = PlanChecksum()
    for rank in plan.ranks {
      plan.storage.withIDs(rank, 0..<plan.storage.length) { checksum.update($0.bytes) }
    }
    let offset = payloadOffset(header: header.count)
    var preamble = HeaderWriter()
    for number in [
      version, plan.storage.idBytes, header.count, offset, plan.bytes,
      Int(Int64(bitPattern: header.withUnsafeBytes { PlanChecksum.of($0) })), Int(Int64(bitPattern: checksum.value)),
    ] { preamble.number(number) }
    let first = magic + preamble.bytes + header
    let padding = [UInt8](repeating: 0, count: offset - first.count)
    try (first + padding).withBytes(emit)
    for rank in plan.ranks {
      let result = plan.storage.withIDs(rank, 0..<plan.storage.length) { ids -> Result<Void, Failure> in
        do throws(Failure) { return .success(try emit(ids.bytes)) } catch { return .failure(error) }
      }
      try result.get()
    }
  }

  /// Opens a plan where its bytes lie.
  ///
  /// Both checksums are verified, which reads every byte once.
  ///
  /// - Parameter key: the plan that is wanted; nil to take whichever it is.
  /// - Throws: `Problem`.
  public static func open(
    _ bytes: some PlanBytes, expecting key: PlanIdentity? = nil
  ) throws(Problem) -> (plan: EpochPlan, fingerprint: Fingerprint) {
    let opened = bytes.withBytes { raw -> Result<(EpochPlan, Fingerprint), Problem> in
      do throws(Problem) { return .success(try open(raw, bytes, key)) } catch { return .failure(error) }
    }
    return try opened.get()
  }

  private static func open(
    _ raw: UnsafeRawBufferPointer, _ bytes: some PlanBytes, _ key: PlanIdentity?
  ) throws(Problem) -> (EpochPlan, Fingerprint) {
    guard raw.count >= preambleBytes, raw[..<8].elementsEqual(magic) else { throw .notAPlan }
    var reader = HeaderReader(Array(raw[8..<preambleBytes])[...])
    guard let n = reader.numbers(7) else { throw .notAPlan }
    guard n[0] == version else { throw .version(n[0]) }
    let (idBytes, headerBytes, offset, payload) = (n[1], n[2], n[3], n[4])
    guard idBytes == 4 || idBytes == 8, headerBytes >= 0, headerBytes <= headerLimit,
      offset == payloadOffset(header: headerBytes), payload >= 0, payload <= Int.max - offset
    else { throw .alteredHeader }
    guard raw.count == offset + payload else { throw .length(expected: offset + payload, found: raw.count) }
    let header = raw[preambleBytes..<preambleBytes + headerBytes]
    guard PlanChecksum.of(UnsafeRawBufferPointer(rebasing: header)) == UInt64(bitPattern: Int64(n[5])),
      let parsed = PlanFileHeader(Array(header)[...])
    else { throw .alteredHeader }
    let (places, overflow) = parsed.ranks.count.multipliedReportingOverflow(by: parsed.listLength)
    guard !overflow, places <= payload, places * idBytes == payload else { throw .alteredHeader }
    if let key, key != PlanIdentity(parsed.summary, parsed.fingerprint, ranks: parsed.ranks) { throw .otherPlan }
    guard PlanChecksum.of(UnsafeRawBufferPointer(rebasing: raw[offset...])) == UInt64(bitPattern: Int64(n[6])) else {
      throw .alteredOrder
    }
    let storage = RankStorage.file(
      bytes, offset: offset, isWide: idBytes == 8, ranks: parsed.ranks, length: parsed.listLength)
    return (EpochPlan(summary: parsed.summary, storage: storage), parsed.fingerprint)
  }

  private static func payloadOffset(header: Int) -> Int { (preambleBytes + header).dividedRoundingUp(by: 64) * 64 }
}

extension [UInt8] {
  fileprivate func withBytes<Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let result = withUnsafeBytes { bytes -> Result<Void, Failure> in
      do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    try result.get()
  }
}
