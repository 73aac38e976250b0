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
  let directory: Directory
  let position: Int
  let shard: ShardDescriptor
  let schema: StreamSchema
  private(set) var faults: [VerifyFault] = []
  /// Bytes of files read.
  private(set) var bytesRead = 0

  init(stream: StreamName, directory: Directory, position: Int, shard: ShardDescriptor, schema: StreamSchema) {
    self.stream = stream
    self.directory = directory
    self.position = position
    self.shard = shard
    self.schema = schema
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
    let stored = contents(of: zip, isRequired: false)
    let loose = contents(of: pair.raw, isRequired: false)
    guard let stored else {
      // A cache that does not keep compressed files has the raw one alone.
      if loose == nil { faults.append(.file(place(zip), .missing)) }
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
    do throws(SystemError) {
      let descriptor = try directory.openFollowing(file.basename)
      let size = try descriptor.size()
      guard size == file.bytes else {
        faults.append(.file(place(file), .wrongSize(bytes: size, promised: file.bytes)))
        return nil
      }
      let bytes = try descriptor.read(count: size, at: 0)
      bytesRead += bytes.count
      guard bytes.count == size else {
        faults.append(.file(place(file), .wrongSize(bytes: bytes.count, promised: size)))
        return nil
      }
      checkDigests(of: bytes, file)
      return bytes
    } catch {
      if error.errno != .noSuchFileOrDirectory {
        faults.append(.file(place(file), .unreadable(error)))
      } else if isRequired {
        faults.append(.file(place(file), .missing))
      }
      return nil
    }
  }

  private mutating func checkDigests(of bytes: [UInt8], _ file: FileRecord) {
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
