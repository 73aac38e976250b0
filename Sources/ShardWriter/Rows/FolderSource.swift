import LinuxSystem

/// What the files of a folder are.
public enum FileContent: String, Sendable, CaseIterable {
  case text, bytes, jpeg, png

  var column: (name: String, encoding: String) {
    switch self {
    case .text: ("text", "str")
    case .bytes: ("bytes", "bytes")
    case .jpeg: ("image", "jpeg")
    case .png: ("image", "png")
    }
  }

  /// What a name's ending says.
  static func of(_ name: String) -> FileContent {
    guard let dot = name.lastIndex(of: ".") else { return .bytes }
    switch name[name.index(after: dot)...].lowercased() {
    case "txt", "text", "md", "rst", "json", "xml", "html", "htm", "csv", "tsv", "yaml", "yml", "tex", "py", "c", "h",
      "cpp", "rs", "go", "java", "js", "ts", "swift", "sh", "log":
      return .text
    case "jpg", "jpeg": return .jpeg
    case "png": return .png
    default: return .bytes
    }
  }
}

/// Rows from a folder: a file each, in the order of their paths' bytes, with the path below the folder as a second column.
struct FolderSource: RowSource {
  /// Largest file of a folder, for a sample must fit in a shard.
  static let maximumFileBytes = Int(UInt32.max) - (1 << 20)

  let columns: [PackColumn]
  let totalBytes: Int
  private let content: FileContent
  private let files: [(path: String, name: String, bytes: Int)]
  private var position = 0

  /// - Parameter content: nil to go by the names' endings: what all of them say, else bytes.
  init(folders: [String], content: FileContent?) throws(PackError) {
    var files: [(path: String, name: String, bytes: Int)] = []
    for folder in folders {
      do throws(SystemError) {
        try Self.collect(try Directory(path: folder), prefix: "", into: &files)
      } catch { throw PackError(.system, error.description) }
    }
    files.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    guard let first = files.first else {
      throw PackError(.input, "there are no files in \(folders.map(quoted).joined(separator: ", "))")
    }
    let guess = FileContent.of(first.name)
    self.content = content ?? (files.allSatisfy { FileContent.of($0.name) == guess } ? guess : .bytes)
    self.files = files
    totalBytes = files.reduce(0) { $0 + $1.bytes }
    let column = self.content.column
    columns = try PackColumn.inOrder([
      PackColumn(column.name, column.encoding, ColumnEncoding(column.encoding) ?? .bytes),
      PackColumn("path", "str", .str),
    ])
  }

  mutating func next() throws(PackError) -> (any RowBatch)? {
    guard position < files.count else { return nil }
    let start = position
    var bytes = 0
    while position < files.count, position - start < 4096, bytes < RowLimits.batchBytes {
      bytes += files[position].bytes
      position += 1
    }
    return FolderBatch(files: Array(files[start..<position]), content: content)
  }

  /// Files with names that begin with a dot are left out, as `ls` leaves them out, and so are links.
  private static func collect(
    _ directory: Directory, prefix: String, into files: inout [(path: String, name: String, bytes: Int)]
  ) throws(SystemError) {
    for entry in try directory.entries() where !entry.name.hasPrefix(".") {
      switch entry.kind {
      case .file:
        let bytes = try directory.status(of: entry.name)?.bytes ?? 0
        files.append((directory.child(entry.name), prefix + entry.name, bytes))
      case .directory:
        try collect(try directory.directory(entry.name), prefix: "\(prefix)\(entry.name)/", into: &files)
      case .other: continue
      }
    }
  }
}

struct FolderBatch: RowBatch {
  let files: [(path: String, name: String, bytes: Int)]
  let content: FileContent

  var inputBytes: Int { files.reduce(0) { $0 + $1.bytes } }

  func encode(_ columns: [PackColumn]) throws(PackError) -> SampleBatch {
    var builder = SampleBuilder(columns: columns)
    for file in files {
      let place = RowPlace(file: file.path, number: nil)
      let bytes = try Self.read(file.path)
      if content == .text, String(validating: bytes, as: UTF8.self) == nil {
        throw PackError(.input, "\(file.path) is not UTF-8; pack it with --content bytes")
      }
      for (position, column) in columns.enumerated() {
        builder.set(position, column.name == "path" ? Array(file.name.utf8) : bytes)
      }
      try builder.finishRow(at: place)
    }
    return builder.batch
  }

  private static func read(_ path: String) throws(PackError) -> [UInt8] {
    let size: Int
    let bytes: [UInt8]
    do throws(SystemError) {
      let file = try OwnedDescriptor.openingToRead(path)
      size = try file.size()
      bytes = size <= FolderSource.maximumFileBytes ? try file.read(count: size, at: 0) : []
    } catch { throw PackError(.system, "\(path): \(error)") }
    guard size <= FolderSource.maximumFileBytes else {
      throw PackError(.limit, "\(path): \(size) bytes are more than a sample can have")
    }
    return bytes
  }
}
