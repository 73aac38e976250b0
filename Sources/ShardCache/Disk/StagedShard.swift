import Codecs
import DatasetModel
import LinuxSystem

/// A shard on its way into the cache: files under a temporary name, room for them taken, nobody reading them yet.
struct StagedShard: Sendable {
  /// One file of the shard, in its raw and, where the remote compresses, its zip form.
  struct Part: Sendable {
    let pair: FilePair
    /// `data` or `meta`.
    let name: String
    let raw: OwnedDescriptor
    let zip: OwnedDescriptor?

    var zipName: String { "\(name).zip" }
    /// What the provider fills.
    var stored: OwnedDescriptor { zip ?? raw }
  }

  let request: ShardRequest
  let name: String
  let directory: Directory
  let parts: [Part]
  /// The compressed files are a user's own: not fetched, and not kept.
  let isZipForeign: Bool

  /// Sends the files back to empty, for another fetch; the room they have stays theirs.
  func reset() throws(SystemError) {
    for part in parts {
      try part.raw.truncate(to: 0)
      try part.raw.allocate(bytes: part.pair.raw.bytes)
      guard let zip = part.zip, !isZipForeign else { continue }
      try zip.truncate(to: 0)
      try zip.allocate(bytes: part.pair.stored.bytes)
    }
  }

  /// What a stored file will be checked by.
  func check(ofStored part: Part) -> FileCheck { FileCheck(part.pair.stored, validateHash: request.validateHash) }

  /// Decompresses and checks every file, and flushes them. Answers the record that goes with them.
  ///
  /// - Parameter checked: the parts, by name, whose stored bytes the provider has checked by the very digest.
  func verify(
    _ observer: any StagingObserver, checked: Set<String> = [], _ progress: DownloadProgress? = nil
  ) throws(FileCheck.Mismatch) -> ShardRecord {
    var verified: Set<String> = []
    var files: [ShardRecord.File] = []
    let keepsZip = request.keepZip && !isZipForeign
    for part in parts {
      let raw = FileCheck(part.pair.raw, validateHash: request.validateHash)
      if let zip = part.zip, let record = part.pair.zip {
        let check = check(ofStored: part)
        let rest = checked.contains(part.name) ? check.byLength : check
        progress?.enter(.decompress)
        let digesting = try rest.decompress(zip, try family(record), to: part.raw, raw)
        progress?.carve(digesting, for: .verify)
        if let algorithm = check.algorithm { verified.insert(algorithm.rawValue) }
        if keepsZip { files.append(entry(part.zipName, check)) }
      } else {
        progress?.enter(.verify)
        try (checked.contains(part.name) ? raw.byLength : raw).check(part.raw)
      }
      if let algorithm = raw.algorithm { verified.insert(algorithm.rawValue) }
      files.append(entry(part.name, raw))
      progress?.enter(.verify)
      try system { () throws(SystemError) in
        try observer.reached(.verified)
        if part.zip != nil, !keepsZip, !isZipForeign {
          try directory.unlink(part.zipName)
          try observer.reached(.zipRemoved)
        } else if let zip = part.zip, keepsZip {
          try zip.sync()
        }
        try part.raw.sync()
        try observer.reached(.filesSynced)
      }
    }
    return ShardRecord(
      key: request.key, stream: request.stream, name: request.name, verified: verified, files: files)
  }

  private func entry(_ name: String, _ check: FileCheck) -> ShardRecord.File {
    var hash: [String: String] = [:]
    if let algorithm = check.algorithm?.rawValue { hash[algorithm] = check.file.hashes[algorithm] }
    return ShardRecord.File(name: name, bytes: check.file.bytes, hash: hash)
  }

  private func family(_ file: FileRecord) throws(FileCheck.Mismatch) -> CompressionFamily {
    do throws(CodecError) {
      return try Compression(parsing: request.shard.compression ?? "").family
    } catch { throw .codec(file, error) }
  }

  private func system(_ body: () throws(SystemError) -> Void) throws(FileCheck.Mismatch) {
    do throws(SystemError) { try body() } catch { throw .system(error) }
  }
}
