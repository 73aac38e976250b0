/// Which index.json documents describe a stream, found from a listing of its files.
public enum IndexDiscovery {
  /// The subdirectories whose index.json together are the stream's, in sample order.
  ///
  /// An index at the root stands alone: it is the stream's own or a merged one. Otherwise every subdirectory with an
  /// index counts, at any depth, in the order of their paths' bytes, which is the order in which the reference merges.
  ///
  /// - Parameter paths: files below the stream's root. Paths that could not be joined to it are passed over.
  /// - Returns: `[""]` for an index at the root; empty when there is none anywhere.
  public static func subdirectories(listing paths: some Sequence<String>) -> [String] {
    let name = "index.json"
    var found: Set<String> = []
    for path in paths where path == name || path.utf8.suffix(name.utf8.count + 1).elementsEqual("/index.json".utf8) {
      guard RelativePath.fault(of: path.utf8) == nil else { continue }
      if path == name { return [""] }
      found.insert(String(path.dropLast(name.count + 1)))
    }
    return inMergeOrder(found)
  }

  /// `paths` in the order of their characters' code points, as Python sorts.
  public static func inMergeOrder(_ paths: some Sequence<String>) -> [String] {
    paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
