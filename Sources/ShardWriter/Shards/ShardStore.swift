import Codecs
import LinuxSystem
import SystemPackage

/// The directory that a stream is written to.
struct ShardStore: Sendable {
  let path: String
  private let options: ShardOptions
  private let text: ShardText

  /// Makes the directory with its parents, or takes an empty one.
  init(path: String, options: ShardOptions, text: ShardText) throws(PackError) {
    self.path = path
    self.options = options
    self.text = text
    do throws(SystemError) {
      try OutputDirectory.make(path)
      let entries = try DirectoryEntries.of(path)
      guard entries.isEmpty else {
        throw SystemError("pack", path, .directoryNotEmpty)
      }
    } catch {
      if error.errno == .directoryNotEmpty {
        throw PackError(.options, "\(path) is not empty; a stream is only written to a new or empty directory")
      }
      throw PackError(.system, error.description)
    }
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
    try store(Array("{\"shards\": [\(records)], \"version\": 2}".utf8), "index.json.tmp")
    do throws(SystemError) {
      let directory = try Directory(path: path)
      try directory.replace(with: "index.json.tmp", in: directory, as: "index.json")
      try directory.sync()
    } catch { throw PackError(.system, error.description) }
  }

  private func describe(_ bytes: [UInt8], _ basename: String) throws(PackError) -> WrittenFile {
    do throws(CodecError) {
      var digests = try DigestSet(named: options.hashes)
      bytes.withUnsafeBytes { digests.update($0) }
      return WrittenFile(basename: basename, bytes: bytes.count, hashes: digests.finalize())
    } catch { throw PackError(.system, "\(basename): \(error)") }
  }

  private func store(_ bytes: [UInt8], _ name: String) throws(PackError) {
    do throws(SystemError) {
      let file = try OutputDirectory.create("\(path)/\(name)")
      try bytes.withUnsafeBufferPointer { (bytes) throws(SystemError) in
        try file.write(UnsafeRawBufferPointer(bytes), at: 0)
      }
      try file.sync()
    } catch { throw PackError(.system, error.description) }
  }
}
