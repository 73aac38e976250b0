import StreamRegistry

/// Looks for index.json files in a store that lists names by prefix, folder by folder: what lies below a folder with an
/// index belongs to that index.
struct ObjectSearch {
  /// One page of a folder's names, sorted by their bytes as stores do.
  struct Page {
    let names: [String]
    let folders: [String]
    /// Where the next page begins.
    let next: String?
  }

  /// How deep below the root an index is looked for.
  static let depthLimit = 4
  /// Pages read for one stream.
  static let pageLimit = 10_000

  private let location: String
  private let list: (_ folder: String, _ continuation: String?) async throws -> Page
  private var pages = 0
  private var found: [String] = []

  init(location: String, list: @escaping (_ folder: String, _ continuation: String?) async throws -> Page) {
    self.location = location
    self.list = list
  }

  /// Paths below the root that hold an index.json, in the order in which the reference merges them.
  consuming func subdirectories() async throws -> [String] {
    var search = self
    try await search.look(in: "", depth: 0)
    return IndexSearch.inMergeOrder(search.found)
  }

  private mutating func look(in folder: String, depth: Int) async throws {
    var folders: [String] = []
    var continuation: String?
    repeat {
      try Task.checkCancellation()
      pages += 1
      guard pages <= Self.pageLimit else {
        throw StreamSourceError(
          .permanent, "\(location) has too many files to look for indexes; name the subdirectories instead")
      }
      let page = try await list(folder, continuation)
      if page.names.contains("index.json") {
        found.append(folder)
        return
      }
      folders += page.folders
      continuation = page.next
    } while continuation != nil
    guard depth < Self.depthLimit else { return }
    for name in folders where !name.isEmpty && !name.hasPrefix(".") {
      try await look(in: folder.isEmpty ? name : "\(folder)/\(name)", depth: depth + 1)
    }
  }
}
