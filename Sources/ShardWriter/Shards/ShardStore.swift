import Codecs
import LinuxSystem
import SystemPackage

/// The directory that a stream is written to.
///
/// Nothing has its final name before it is whole, and the index comes last. A file `.packing`, locked for as long as its
/// process lives, marks the directory until then: what an interrupted packing left can be told from a user's own files.
struct ShardStore: Sendable {
  private static let marker = ".packing"
  private static let unfinished = ".tmp"

  let path: String
  private let directory: Directory
  private let lock: DirectoryLock
  /// True when the directory did not exist before.
  private let isNew: Bool
  private let options: ShardOptions
  private let text: ShardText

  /// Makes the directory with its parents, or takes an empty one, or one in which packing was interrupted.
  init(path: String, options: ShardOptions, text: ShardText) throws(PackError) {
    self.path = path
    self.options = options
    self.text = text
    isNew = !OutputDirectory.exists(path)
    do throws(SystemError) {
      try OutputDirectory.make(path)
      directory = try Directory(path: path)
      let names = try directory.entries().map(\.name)
      guard names.isEmpty || names.contains(Self.marker) && names.allSatisfy(Self.isOfPacking) else {
        throw SystemError("pack", path, .directoryNotEmpty)
      }
    } catch {
      if error.errno == .directoryNotEmpty {
        throw PackError(.options, "\(path) is not empty; a stream is only written to a new or empty directory")
      }
      throw PackError(.system, error.description)
    }
    do throws(DirectoryLock.Failure) {
      lock = try DirectoryLock(directory, name: Self.marker)
    } catch {
      guard case .held(_, let process) = error else { throw PackError(.system, error.description) }
      let owner = process.map { "process \($0)" } ?? "another process"
      throw PackError(.options, "\(owner) is writing a stream to \(path) now")
    }
    do throws(SystemError) { try sweep() } catch { throw PackError(.system, error.description) }
  }

  private static func isOfPacking(_ name: String) -> Bool {
    name == marker || name.hasPrefix("shard.") || name.hasSuffix(unfinished)
  }

  /// Removes the shards that are there.
  private func sweep() throws(SystemError) {
    for entry in try directory.entries() where entry.name != Self.marker && Self.isOfPacking(entry.name) {
      try directory.unlink(entry.name)
    }
  }

  /// Leaves things as they were before, as far as possible: the rows cannot be packed, which is what the caller must hear
  /// of, and what stays behind here the next packing sweeps.
  func abandon() {
    do throws(SystemError) {
      try sweep()
      try directory.unlink(Self.marker)
      if isNew { try OutputDirectory.remove(path) }
    } catch {}
  }

  /// Puts a shard together, hashes, compresses and writes it.
  func write(_ shard: PendingShard) throws(PackError) -> WrittenShard {
    let raw = shard.file(configuration: text.configuration)
    let number = String(shard.number)
    let basename = "shard." + String(repeating: "0", count: max(0, 5 - number.count)) + number + ".mds"
    let rawFile = try describe(raw, basename)
    guard let compression = options.compression else {
      try store(raw, basename)
      return WrittenShard(number: shard.number, samples: shard.lengths.count, raw: rawFile, zip: nil)
    }
    let zip: [UInt8]
    do throws(CodecError) {
      zip = try Compressor.compress(raw, compression)
    } catch { throw PackError(.system, "\(basename): \(error)") }
    let zipName = "\(basename).\(compression.family.rawValue)"
    let zipFile = try describe(zip, zipName)
    try store(zip, zipName)
    return WrittenShard(number: shard.number, samples: shard.lengths.count, raw: rawFile, zip: zipFile)
  }

  /// Writes the index, last and whole: a directory without one is no stream.
  func writeIndex(_ shards: [WrittenShard]) throws(PackError) {
    let records = shards.map { text.record($0) }.joined(separator: ", ")
    do throws(SystemError) { try directory.sync() } catch { throw PackError(.system, error.description) }
    try store(Array("{\"shards\": [\(records)], \"version\": 2}".utf8), "index.json")
    do throws(SystemError) {
      try directory.unlink(Self.marker)
      try directory.sync()
    } catch { throw PackError(.system, error.description) }
    lock.release()
  }

  private func describe(_ bytes: [UInt8], _ basename: String) throws(PackError) -> WrittenFile {
    do throws(CodecError) {
      var digests = try DigestSet(named: options.hashes)
      bytes.withUnsafeBytes { digests.update($0) }
      return WrittenFile(basename: basename, bytes: bytes.count, hashes: digests.finalize())
    } catch { throw PackError(.system, "\(basename): \(error)") }
  }

  /// Writes a file, which has its name once it is whole and on the disk.
  private func store(_ bytes: [UInt8], _ name: String) throws(PackError) {
    do throws(SystemError) {
      let temporary = name + Self.unfinished
      let file = try OutputDirectory.create("\(path)/\(temporary)")
      try bytes.withUnsafeBufferPointer { (bytes) throws(SystemError) in
        try file.write(UnsafeRawBufferPointer(bytes), at: 0)
      }
      try file.sync()
      try directory.replace(with: temporary, in: directory, as: name)
    } catch { throw PackError(.system, error.description) }
  }
}
