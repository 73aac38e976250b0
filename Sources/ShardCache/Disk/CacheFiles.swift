import DatasetModel
import LinuxSystem
import Synchronization
import SystemPackage

/// The cache's work on its files. Every call blocks, so it belongs on a `BlockingPool`.
struct CacheFiles: Sendable {
  let layout: CacheLayout
  let observer: any StagingObserver
  /// Taken while room on the disk is looked at and taken, so that two downloads do not both see the same free bytes.
  private let space = SpaceLock()

  private final class SpaceLock: Sendable {
    let mutex = Mutex(())
  }

  init(layout: CacheLayout, observer: any StagingObserver) {
    self.layout = layout
    self.observer = observer
  }

  /// Makes the files of a download and takes their room on the disk.
  ///
  /// - Throws: ENOSPC when fewer than `reserve` bytes would stay free.
  func stage(_ request: ShardRequest, number: Int, reserve: Int) throws(SystemError) -> StagedShard {
    let name = "\(CacheLayout.copyName(request.name, request.key)).\(number)"
    let directory = try layout.staging.makeDirectory(name)
    do throws(SystemError) {
      try observer.reached(.directoryMade)
      let foreign = try foreignZips(request)
      var parts: [StagedShard.Part] = []
      for pair in request.shard.files {
        let part = pair == request.shard.data ? "data" : "meta"
        let raw = try directory.create(part)
        var zip = foreign?[parts.count]
        if zip == nil, pair.zip != nil { zip = try directory.create("\(part).zip") }
        parts.append(StagedShard.Part(pair: pair, name: part, raw: raw, zip: zip))
      }
      try observer.reached(.filesMade)
      let staged = StagedShard(
        request: request, name: name, directory: directory, parts: parts, isZipForeign: foreign != nil)
      try takeSpace(staged, reserve: reserve)
      try observer.reached(.spaceTaken)
      return staged
    } catch {
      try discard(name)
      throw error
    }
  }

  /// For a stream in a user's directory: its compressed files, opened where they lie.
  private func foreignZips(_ request: ShardRequest) throws(SystemError) -> [OwnedDescriptor]? {
    guard case .directory(let path) = request.source else { return nil }
    let home = try Directory(path: path)
    var zips: [OwnedDescriptor] = []
    for pair in request.shard.files { zips.append(try home.openBeneath(pair.stored.basename)) }
    return zips
  }

  private func takeSpace(_ staged: StagedShard, reserve: Int) throws(SystemError) {
    try space.mutex.withLock { _ throws(SystemError) in
      let free = try layout.root.freeSpace().available
      guard free - staged.request.peakBytes >= reserve else {
        throw SystemError("reserving \(staged.request.peakBytes) bytes in", layout.root.path, .noSpace)
      }
      try staged.reset()
    }
  }

  /// Gives verified files their final name, durably.
  func commit(_ staged: StagedShard, _ record: ShardRecord) throws(SystemError) -> CopyPlace {
    guard let bytes = record.encoded else {
      throw SystemError("writing the record of", staged.request.name, .fileNameTooLong)
    }
    let file = try staged.directory.create(CacheLayout.record)
    try file.write(bytes, at: 0)
    try file.sync()
    try observer.reached(.recordWritten)
    try staged.directory.sync()
    try observer.reached(.directorySynced)
    let streamName = CacheLayout.streamName(location: staged.request.location)
    let stream = try streamDirectory(streamName)
    let plain = CacheLayout.copyName(staged.request.name, staged.request.key)
    var name = plain
    var number = 1
    while true {
      do throws(SystemError) {
        try layout.staging.move(staged.name, to: stream, as: name)
        break
      } catch {
        // Something that is not a copy of ours lies under the name: leave it, and take another.
        guard error.isExisting, number < 1000 else { throw error }
        number += 1
        name = "\(plain).\(number)"
      }
    }
    try observer.reached(.renamed)
    try stream.sync()
    try layout.staging.sync()
    try observer.reached(.committed)
    return CopyPlace(stream: streamName, name: name)
  }

  private func streamDirectory(_ name: String) throws(SystemError) -> Directory {
    if try layout.shards.status(of: name) == nil {
      let made = try layout.shards.makeDirectory(name, orOpen: true)
      try layout.shards.sync()
      return made
    }
    return try layout.shards.directory(name)
  }

  /// Removes a staging directory.
  func discard(_ name: String) throws(SystemError) {
    _ = try remove(name, from: layout.staging)
  }

  /// Removes a committed copy. Its record goes first: files without one are the rest of an eviction.
  func unlink(_ place: CopyPlace) throws(SystemError) {
    let stream = try layout.shards.directory(place.stream)
    _ = try remove(place.name, from: stream)
  }

  /// Removes Sluice's files from the directory `name`, and the directory if nothing else is in it. Answers the paths of
  /// what is not Sluice's.
  func remove(_ name: String, from parent: Directory) throws(SystemError) -> [String] {
    let directory: Directory
    do throws(SystemError) {
      directory = try parent.directory(name)
    } catch {
      guard error.isMissing else { throw error }
      return []
    }
    let entries = try directory.entries()
    let own = entries.filter { CacheLayout.ownNames.contains($0.name) && $0.kind == .file }
    for entry in own where entry.name == CacheLayout.record {
      try directory.unlink(entry.name)
      try observer.reached(.recordUnlinked)
    }
    for entry in own where entry.name != CacheLayout.record {
      try directory.unlink(entry.name)
      try observer.reached(.fileUnlinked)
    }
    let foreign = entries.filter { entry in !own.contains(entry) }.map { directory.child($0.name) }
    if foreign.isEmpty {
      try parent.removeDirectory(name)
      try observer.reached(.directoryRemoved)
    }
    return foreign
  }

  /// Opens a committed copy for reading and checks that its files are there and as long as they were.
  func open(_ place: CopyPlace, _ shard: ShardDescriptor) throws(FileCheck.Mismatch) -> ShardFiles {
    func file(_ directory: Directory, _ name: String, _ record: FileRecord) throws(FileCheck.Mismatch)
      -> OwnedDescriptor
    {
      let descriptor: OwnedDescriptor
      do throws(SystemError) { descriptor = try directory.open(name) } catch { throw .system(error) }
      try FileCheck(record, validateHash: nil).checkLength(descriptor)
      return descriptor
    }
    let directory: Directory
    do throws(SystemError) {
      directory = try layout.shards.directory(place.stream).directory(place.name)
    } catch { throw .system(error) }
    let data = try file(directory, "data", shard.data.raw)
    var meta: OwnedDescriptor?
    if let pair = shard.meta { meta = try file(directory, "meta", pair.raw) }
    return ShardFiles(data: data, meta: meta)
  }
}

/// A shard's files, open for reading only.
final class ShardFiles: Sendable {
  let data: OwnedDescriptor
  let meta: OwnedDescriptor?

  init(data: OwnedDescriptor, meta: OwnedDescriptor?) {
    self.data = data
    self.meta = meta
  }
}
