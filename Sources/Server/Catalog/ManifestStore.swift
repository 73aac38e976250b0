import Codecs
import DatasetModel
import LinuxSystem
import Logging
import ShardFormats
import StreamRegistry
import SystemPackage

/// Manifests kept on disk, compact and checksummed: a large index that did not change is not parsed again, and while a
/// remote is down the last one serves.
///
/// A file is named after the stream and the digest of the documents it was made from.
struct ManifestStore: Sendable {
  static let suffix = ".manifest"
  /// Most bytes of all manifests together; a million shards take some 100 MB.
  static let limit = 1 << 30

  let kept: KeptDirectory
  let logger: Logger

  private var directory: String { kept.path }

  init(kept: KeptDirectory, logger: Logger) {
    self.kept = kept
    self.logger = logger
    do { try kept.sweep() } catch {
      logger.warning(
        "leftovers of kept indexes cannot be removed", metadata: ["file": "\(kept.path)", "error": "\(error)"])
    }
  }

  /// The kept manifest made from documents with this digest.
  func load(_ stream: StreamConfiguration, documents digest: String) -> StreamManifest? {
    let path = "\(directory)/\(Self.prefix(of: stream))\(digest)\(Self.suffix)"
    guard let manifest = read(path, digest, stream) else { return nil }
    logger.debug(
      "index is as it was; the kept copy is used", metadata: ["stream": "\(stream.name)", "file": "\(path)"])
    return manifest
  }

  /// The last kept manifest, whatever its documents were.
  func latest(_ stream: StreamConfiguration) -> StreamManifest? {
    for name in names(of: stream) {
      let digest = name.dropFirst(Self.prefix(of: stream).utf8.count).dropLast(Self.suffix.utf8.count)
      if let manifest = read("\(directory)/\(name)", String(digest), stream) { return manifest }
    }
    return nil
  }

  /// Keeps a manifest in place of earlier ones; that it cannot be kept is only logged.
  func keep(_ manifest: StreamManifest, of stream: StreamConfiguration, documents digest: String) {
    let name = "\(Self.prefix(of: stream))\(digest)\(Self.suffix)"
    var size = 0
    ManifestCopy.write(manifest, validator: digest) { (piece: UnsafeRawBufferPointer) throws(Never) in
      size += piece.count
    }
    do {
      try kept.makeRoom(for: size)
      try KeptFiles.replace("\(directory)/\(name)") { (write) throws(SystemError) in
        try ManifestCopy.write(manifest, validator: digest, to: write)
      }
      for old in names(of: stream) where old != name { try KeptFiles.remove("\(directory)/\(old)") }
    } catch {
      note("an index cannot be kept", stream, name, error)
    }
  }

  private func read(_ path: String, _ digest: String, _ stream: StreamConfiguration) -> StreamManifest? {
    do {
      let file = try OwnedDescriptor.openingToRead(path)
      // A part at a time: neither the file nor a second copy of its records lies in memory beside the manifest.
      let layout = try ManifestCopy.Layout(try file.read(count: ManifestCopy.Layout.bytes, at: 0), of: try file.size())
      let head = try file.read(count: layout.head.range.count, at: layout.head.range.lowerBound)
      let records = try file.read(count: layout.records.range.count, at: layout.records.range.lowerBound)
      let manifest = try ManifestCopy.read(layout, head: head, records: records, validator: digest)
      try KeptFiles.touch(path)
      return manifest
    } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
      return nil
    } catch {
      note("a kept index is not used", stream, path, error)
      return nil
    }
  }

  private func names(of stream: StreamConfiguration) -> [String] {
    let prefix = Self.prefix(of: stream)
    do throws(SystemError) {
      return try DirectoryEntries.of(directory).map(\.name).filter { $0.hasPrefix(prefix) && $0.hasSuffix(Self.suffix) }
    } catch {
      if error.errno != .noSuchFileOrDirectory { note("kept indexes cannot be listed", stream, directory, error) }
      return []
    }
  }

  /// The same for every spelling of the configuration that leads to the same index.
  private static func prefix(of stream: StreamConfiguration) -> String {
    let key = stream.identityText
    return "\(Hexadecimal.encode(Digest.sha256(key.utf8)).prefix(24))-"
  }

  private func note(_ what: Logger.Message, _ stream: StreamConfiguration, _ file: String, _ error: any Error) {
    logger.warning(what, metadata: ["stream": "\(stream.name)", "file": "\(file)", "error": "\(error)"])
  }
}
