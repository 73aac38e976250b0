import LinuxSystem
import StreamRegistry
import SystemPackage
import Transfer

/// Looks for index.json files below a directory of this machine.
enum IndexSearch {
  /// How deep below the root an index is looked for.
  static let depthLimit = 4

  /// Paths below `root` of the directories that hold an index.json, in the order in which the reference merges them. What
  /// lies below a directory with an index belongs to that index.
  ///
  /// - Throws: also for a link to a directory elsewhere: its shards would be refused, and are not left out in silence.
  static func subdirectories(below root: String) throws(StreamSourceError) -> [String] {
    var found: [String] = []
    do throws(SystemError) {
      let home = try Directory(path: root)
      try search(home, home, path: "", depth: 0, found: &found)
    } catch {
      let code: StreamSourceError.Code = error.isMissing ? .notFound : error.isNoPlainFile ? .permanent : .transient
      throw StreamSourceError(code, "\(error)", cause: error.isNoPlainFile ? "link" : "disk")
    }
    guard found.count <= RemoteSource.indexCountLimit else {
      throw StreamSourceError(.permanent, "\(root) has more than \(RemoteSource.indexCountLimit) index files")
    }
    return inMergeOrder(found)
  }

  /// Subdirectories in the order in which the reference merges their indexes: that of the indexes' paths.
  static func inMergeOrder(_ subdirectories: [String]) -> [String] {
    func index(_ subdirectory: String) -> String { subdirectory.isEmpty ? "index.json" : "\(subdirectory)/index.json" }
    return subdirectories.sorted { index($0).utf8.lexicographicallyPrecedes(index($1).utf8) }
  }

  private static func search(
    _ root: Directory, _ directory: Directory, path: String, depth: Int, found: inout [String]
  ) throws(SystemError) {
    let entries = try directory.entries()
    if entries.contains(where: { $0.name == "index.json" && $0.kind != .directory }) {
      found.append(path)
      return
    }
    guard depth < depthLimit, found.count <= RemoteSource.indexCountLimit else { return }
    for entry in entries.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
    where entry.kind != .file && !entry.name.hasPrefix(".") {
      let below = path.isEmpty ? entry.name : "\(path)/\(entry.name)"
      if entry.kind == .directory {
        try search(root, try root.directoryBeneath(below), path: below, depth: depth + 1, found: &found)
      } else if OutputDirectory.exists(directory.child(entry.name)) {
        // A link to a directory: what it leads to inside the root is found in its own place.
        _ = try root.directoryBeneath(below)
      }
    }
  }
}
