import LinuxSystem
import SystemPackage

/// Files of one kind that the daemon keeps for the next start, in a directory of theirs and within a bound: the least
/// recently used leave first. They do not count against the cache's limit, which is for shards; they have this bound, and
/// never take of the disk what the cache is to leave free.
struct KeptDirectory: Sendable {
  let path: String
  /// What the files' names end in.
  let suffix: String
  /// Asked anew whenever it matters: a reload may change them.
  private let bounds: @Sendable () -> (limit: Int, reserve: Int)

  init(path: String, suffix: String, bounds: @escaping @Sendable () -> (limit: Int, reserve: Int)) {
    self.path = path
    self.suffix = suffix
    self.bounds = bounds
  }

  /// Most bytes of all files together.
  var limit: Int { bounds().limit }
  /// Bytes of the file system that stay free whatever the limit.
  var reserve: Int { bounds().reserve }

  /// Why a file is not kept.
  enum Refusal: Error, CustomStringConvertible {
    case overLimit(bytes: Int, limit: Int)
    case diskShort(bytes: Int, free: Int, reserve: Int)

    var description: String {
      switch self {
      case .overLimit(let bytes, let limit): "it has \(bytes) bytes, and all of its kind may have \(limit)"
      case .diskShort(let bytes, let free, let reserve):
        "it has \(bytes) bytes, and the disk has \(free) free of which \(reserve) are to stay free"
      }
    }
  }

  /// Takes away writes that an earlier daemon's end interrupted. Only at the start, before anything is kept.
  func sweep() throws(SystemError) {
    try KeptFiles.makeDirectory(path)
    for entry in try Directory(path: path).entries() where entry.kind == .file && KeptFiles.isPartial(entry.name) {
      if isOurs(entry.name) { try KeptFiles.remove("\(path)/\(entry.name)") }
    }
  }

  /// Makes the directory and room in it for a file of `size` bytes.
  ///
  /// - Throws: `Refusal`, or `SystemError`.
  func makeRoom(for size: Int) throws {
    guard size <= limit else { throw Refusal.overLimit(bytes: size, limit: limit) }
    try KeptFiles.makeDirectory(path)
    try shrink(to: limit - size)
    let free = try Directory(path: path).freeSpace().available
    guard free - size >= reserve else { throw Refusal.diskShort(bytes: size, free: free, reserve: reserve) }
  }

  /// Brings what is kept within the limit, which may have become smaller since it was.
  func shrink() throws(SystemError) {
    do throws(SystemError) {
      try shrink(to: limit)
    } catch {
      // Where there is no directory, there is nothing to take away.
      guard error.errno == .noSuchFileOrDirectory else { throw error }
    }
  }

  private func shrink(to bytes: Int) throws(SystemError) {
    let kept = try files().sorted { $0.status.modified < $1.status.modified }
    var total = kept.reduce(0) { $0 + $1.status.bytes }
    for oldest in kept where total > bytes {
      try KeptFiles.remove("\(path)/\(oldest.name)")
      total -= oldest.status.bytes
    }
  }

  /// Bytes that the files take now; 0 while there is no directory.
  func bytes() throws(SystemError) -> Int {
    do throws(SystemError) {
      return try files().reduce(0) { $0 + $1.status.bytes }
    } catch {
      if error.errno == .noSuchFileOrDirectory { return 0 }
      throw error
    }
  }

  private func files() throws(SystemError) -> [(name: String, status: FileStatus)] {
    let directory = try Directory(path: path)
    var found: [(name: String, status: FileStatus)] = []
    for entry in try directory.entries() where isOurs(entry.name) && !KeptFiles.isPartial(entry.name) {
      // One that is gone meanwhile made room for another.
      if let status = try directory.status(of: entry.name), status.kind == .file { found.append((entry.name, status)) }
    }
    return found
  }

  /// Whether a name is one that the daemon gives: what others put here is neither counted nor removed.
  private func isOurs(_ name: String) -> Bool {
    guard name.hasSuffix(suffix) else { return false }
    let digits = KeptFiles.isPartial(name) ? name.split(separator: "-", maxSplits: 2).last ?? "" : name[...]
    return digits.utf8.count > Self.digits
      && digits.utf8.prefix(Self.digits).allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  /// Every name begins with so many hexadecimal digits of a digest.
  private static let digits = 24
}
