import DatasetModel
import LinuxSystem
import StreamRegistry
import Synchronization
import SystemPackage

/// A source in memory, right unless it is asked to be wrong.
struct MemorySource: StreamSource {
  enum Fault: String, CaseIterable, Sendable {
    case secretLocation, emptyLocation, changingManifest, pathOutside, shortFile, longFile, changingBytes
    case wrongReceipt, noProgress, missingDelivered, foreignError, lengthIgnored, overrun, mixedResume, hangs
    case brokenHead, twoLines, wrongDigest

    var rule: String {
      switch self {
      case .secretLocation, .emptyLocation: "location"
      case .changingManifest: "manifests at once agree"
      case .pathOutside: "manifest"
      case .missingDelivered, .foreignError, .twoLines: "missing file"
      case .lengthIgnored, .overrun: "wrong length"
      case .mixedResume: "resume"
      default: "fetch"
      }
    }
  }

  let shards: Int
  var fault: Fault?
  private let calls = Calls()

  private final class Calls: Sendable {
    private let count = Mutex(0)
    func next() -> Int {
      count.withLock {
        $0 += 1
        return $0
      }
    }
  }

  init(shards: Int, fault: Fault? = nil) {
    self.shards = shards
    self.fault = fault
  }

  var location: String {
    switch fault {
    case .secretLocation: "mem://bob:hunter2@here/x"
    case .emptyLocation: ""
    default: "mem:here"
    }
  }

  /// A shard of two samples of one byte column, after an empty writer's settings.
  private func content(_ shard: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    func append(_ number: Int) { withUnsafeBytes(of: UInt32(number).littleEndian) { bytes += $0 } }
    for number in [2, 16, 16 + 8 + shard, 16 + 16 + 2 * shard] {
      append(fault == .brokenHead && number == 2 ? 3 : number)
    }
    for _ in 0..<2 {
      append(4 + shard)
      bytes += [UInt8](repeating: UInt8(shard), count: 4 + shard)
    }
    return bytes
  }

  func manifest() async throws -> ManifestAnswer {
    let extra = fault == .changingManifest ? calls.next() % 2 : 0
    let descriptors = (0..<(shards + extra)).map { shard in
      let root = fault == .pathOutside ? "../" : ""
      let hashes = fault == .wrongDigest ? ["md5": "00"] : [:]
      let record = FileRecord(basename: "\(root)s\(shard).mds", bytes: content(shard).count, hashes: hashes)
      return ShardDescriptor(format: .mds, samples: 2, data: FilePair(raw: record), schema: 0)
    }
    let schema = StreamSchema(format: .mds, columns: [ColumnSchema(name: "x", encoding: "bytes", size: nil)])
    return .manifest(StreamManifest(shards: descriptors, schemas: [schema]))
  }

  func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt {
    struct Foreign: Error {}
    // Hanging is the fault.
    if fault == .hangs { try await Task.sleep(for: .seconds(3600)) }
    let digits = request.path.drop { !$0.isNumber }.dropLast(".mds".count)
    guard let shard = Int(digits), shard < shards else {
      if fault == .missingDelivered { return FetchReceipt(bytes: request.bytes, moved: 0) }
      if fault == .foreignError { throw Foreign() }
      throw StreamSourceError(.notFound, fault == .twoLines ? "no\nsuch file" : "no \(request.path) in \(location)")
    }
    var bytes = content(shard)
    let start = request.resume?.bytes ?? 0
    if let resume = request.resume, resume.validator != "\"v\"", fault != .mixedResume {
      throw StreamSourceError(.restart, "\(request.path) is another one now")
    }
    switch fault {
    case .shortFile: bytes.removeLast()
    case .longFile: bytes.append(0)
    case .changingBytes: bytes[bytes.count - 1] = UInt8(truncatingIfNeeded: calls.next())
    default: break
    }
    let isFaulty = fault == .shortFile || fault == .longFile || fault == .lengthIgnored
    guard bytes.count == request.bytes || isFaulty else {
      if fault == .overrun { try write(bytes, from: 0, staging) }
      throw StreamSourceError(.transient, "\(request.path) has \(bytes.count) bytes, not \(request.bytes)")
    }
    try write(bytes, from: start, staging)
    let said = fault == .wrongReceipt ? bytes.count - 1 : bytes.count
    return FetchReceipt(bytes: said, validator: "\"v\"", moved: bytes.count - start)
  }

  private func write(_ bytes: [UInt8], from start: Int, _ staging: StagingFile) throws(StreamSourceError) {
    do throws(SystemError) {
      try staging.descriptor.write(Array(bytes[start...]), at: start)
      if fault != .noProgress { staging.progress(bytes.count - start) }
    } catch { throw StreamSourceError(.local, "\(error)") }
  }
}
