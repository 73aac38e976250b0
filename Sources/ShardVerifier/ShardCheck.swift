import Codecs
import DatasetModel
import LinuxSystem
import ShardFormats
import SystemPackage

/// Checks one shard: its files, their digests, its offsets, its samples. The raw bytes are held in memory.
struct ShardCheck {
  /// Faulty samples of one shard that are listed; the rest are counted.
  static let listedSamples = 10

  let stream: StreamName
  let files: any ShardFileOpening
  let position: Int
  let shard: ShardDescriptor
  let schema: StreamSchema
  /// A digest that every file must have in the index.
  let requiredHash: String?
  private(set) var faults: [VerifyFault] = []
  /// Bytes of files read.
  private(set) var bytesRead = 0

  init(
    stream: StreamName, files: any ShardFileOpening, position: Int, shard: ShardDescriptor, schema: StreamSchema,
    requiredHash: String?
  ) {
    self.stream = stream
    self.files = files
    self.position = position
    self.shard = shard
    self.schema = schema
    self.requiredHash = requiredHash
  }

  mutating func run() {
    let meta = shard.meta.map { raw(of: $0) }
    guard let data = raw(of: shard.data) else { return }
    // Without the offsets there is nothing more to say about the samples.
    if case .some(.none) = meta { return }
    let table: SampleTable
    do throws(ShardError) {
      let head = (meta ?? data) ?? []
      table = try SampleTable(head: head, of: shard, at: position, stream: stream)
    } catch {
      faults.append(.offsets(error))
      return
    }
    checkHeader(data, table)
    checkSamples(data, table)
  }

  private func place(_ file: FileRecord) -> FilePlace {
    FilePlace(stream: stream, shard: position, basename: file.basename)
  }

  /// The raw bytes of a file, from its compressed form where there is one; nil when they cannot be had.
  private mutating func raw(of pair: FilePair) -> [UInt8]? {
    guard let zip = pair.zip else { return contents(of: pair.raw, isRequired: true) }
    let faultsBefore = faults.count
    let stored = contents(of: zip, isRequired: false)
    let loose = contents(of: pair.raw, isRequired: false)
    guard let stored else {
      // A cache that does not keep compressed files has the raw one alone.
      if loose == nil, faults.count == faultsBefore { faults.append(.file(place(zip), .missing)) }
      return loose
    }
    do throws(CodecError) {
      let compression = try Compression(parsing: shard.compression ?? "")
      let raw = try Decompressor.bytes(compression.family, stored, promisedBytes: pair.raw.bytes)
      checkDigests(of: raw, pair.raw)
      return raw
    } catch {
      faults.append(.file(place(zip), .undecodable(error)))
      return nil
    }
  }

  /// A file's bytes, its size and digests checked; nil when it is missing or of the wrong size.
  private mutating func contents(of file: FileRecord, isRequired: Bool) -> [UInt8]? {
    do throws(FileFault) {
      guard let descriptor = try files.open(file) else {
        if isRequired { throw .missing }
        return nil
      }
      let bytes = try Self.read(descriptor, promised: file.bytes)
      bytesRead += bytes.count
      checkDigests(of: bytes, file)
      return bytes
    } catch {
      faults.append(.file(place(file), error))
      return nil
    }
  }

  private static func read(_ descriptor: OwnedDescriptor, promised: Int) throws(FileFault) -> [UInt8] {
    let size: Int
    var bytes: [UInt8] = []
    do throws(SystemError) {
      size = try descriptor.size()
      if size == promised { bytes = try descriptor.read(count: size, at: 0) }
    } catch { throw .unreadable(error) }
    guard size == promised else { throw .wrongSize(bytes: size, promised: promised) }
    // It became shorter while it was read.
    guard bytes.count == promised else { throw .wrongSize(bytes: bytes.count, promised: promised) }
    return bytes
  }

  private mutating func checkDigests(of bytes: [UInt8], _ file: FileRecord) {
    if let requiredHash, file.hashes[requiredHash] == nil {
      faults.append(.file(place(file), .missingDigest(algorithm: requiredHash)))
    }
    for (algorithm, promised) in file.hashes.sorted(by: { $0.key < $1.key }) {
      do throws(CodecError) {
        var digest = try Digest.named(algorithm)
        digest.update(bytes)
        let found = digest.finalize()
        if found != promised {
          faults.append(
            .file(place(file), .wrongDigest(algorithm: algorithm, found: found, promised: promised)))
        }
      } catch { faults.append(.file(place(file), .unknownDigest(algorithm: algorithm))) }
    }
  }

  private mutating func checkHeader(_ data: [UInt8], _ table: SampleTable) {
    guard case .separated(_, let separator) = shard.format, table.count > 0 else { return }
    let expected = schema.columns.map(\.name).joined(separator: separator) + (schema.newline ?? "\n")
    let found = data[..<table[0].lowerBound]
    if !found.elementsEqual(expected.utf8) {
      faults.append(.file(place(shard.data.raw), .wrongHeader(found: String(decoding: found, as: UTF8.self))))
    }
  }

  private mutating func checkSamples(_ data: [UInt8], _ table: SampleTable) {
    var found: [VerifyFault] = []
    var more = 0
    let place = place(shard.data.raw)
    data.withUnsafeBytes { bytes in
      for index in 0..<table.count {
        let sample = UnsafeRawBufferPointer(rebasing: bytes[table[index]])
        guard let fault = SampleCheck.fault(of: sample, schema: schema) else { continue }
        if found.count < Self.listedSamples {
          found.append(.sample(place, sample: index, fault))
        } else {
          more += 1
        }
      }
    }
    faults += found
    if more > 0 { faults.append(.more(place, faults: more)) }
  }
}
