import LinuxSystem
import StreamRegistry

/// A stream's index documents as they are come by: small ones in memory, the few large ones left in their files.
struct IndexDocuments {
  /// The largest document that is read at once.
  static let smallBytes = 1 << 20
  /// Most documents that stay in files: each holds a descriptor until the manifest is made.
  static let fileLimit = 64

  private(set) var documents: [IndexDocument] = []
  private var files = 0

  /// Adds the first `count` bytes of `file`.
  mutating func add(_ subdirectory: String, in file: OwnedDescriptor, count: Int) throws(SystemError) {
    if count > Self.smallBytes, files < Self.fileLimit {
      documents.append(IndexDocument(subdirectory: subdirectory, file: file, count: count))
      files += 1
    } else {
      documents.append(IndexDocument(subdirectory: subdirectory, bytes: try file.read(count: count, at: 0)))
    }
  }
}
