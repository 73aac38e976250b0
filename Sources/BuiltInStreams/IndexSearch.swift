import LinuxSystem
import StreamRegistry
import SystemPackage
import Transfer

/// Looks for index.json files below a directory of this machine.
enum IndexSearch {
  /// How deep below the root an index is looked for.
  static let depthLimit = 4

  /// Paths below `root` of the directories that hold an index.json, in the order of their names. What lies below a
  /// directory with an index belongs to that index.
  static func subdirectories(below root: String) throws(StreamSourceError) -> [String] {
    var found: [String] = []
    try search(root, path: "", depth: 0, found: &found)
    return found
  }

  private static func search(
    _ root: String, path: String, depth: Int, found: inout [String]
  ) throws(StreamSourceError) {
    let directory = path.isEmpty ? root : "\(root)/\(path)"
    let entries: [DirectoryEntries.Entry]
    do throws(SystemError) {
      entries = try DirectoryEntries.of(directory)
    } catch {
      let isGone = error.errno == .noSuchFileOrDirectory
      throw StreamSourceError(isGone ? .notFound : .transient, "\(error)", cause: "disk")
    }
    if entries.contains(where: { $0.name == "index.json" && !$0.isDirectory }) {
      guard found.count < RemoteSource.indexCountLimit else {
        throw StreamSourceError(
          .permanent, "\(root) has more than \(RemoteSource.indexCountLimit) index files")
      }
      found.append(path)
      return
    }
    guard depth < depthLimit else { return }
    for entry in entries where entry.isDirectory && !entry.name.hasPrefix(".") {
      try search(root, path: path.isEmpty ? entry.name : "\(path)/\(entry.name)", depth: depth + 1, found: &found)
    }
  }
}
