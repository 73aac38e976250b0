import Codecs
import DatasetModel
import LinuxSystem
import ShardFormats
import StreamRegistry

/// Why a stream's documents gave no manifest although nothing is known to be wrong with them: reading them again may help.
enum IndexUnread: Error, CustomStringConvertible {
  case unreadable(SystemError)
  /// Somebody wrote to a document between the two readings.
  case changed

  var description: String {
    switch self {
    case .unreadable(let error): "\(error)"
    case .changed: "it was changed while it was read; write a new index beside the old one and rename it"
    }
  }
}

/// A stream's index documents, read once for their digest and, where no manifest with that digest is kept, once more to
/// parse them: in pieces, because a document can be larger than everything else that the daemon holds.
struct IndexReading {
  private static let pieceBytes = 1 << 20

  private let documents: [IndexDocument]
  /// Of the documents and what they describe, as they were the first time.
  let digest: String

  init(_ documents: [IndexDocument]) throws {
    self.documents = documents
    digest = try Self.digest(documents)
  }

  /// The manifest of the very bytes that have `digest`.
  ///
  /// - Throws: `IndexError` for an index that is wrong, `IndexUnread`.
  func manifest(of stream: StreamName) throws -> StreamManifest {
    var parser = IndexParser(stream: stream)
    var digest = try Digest.named(Self.algorithm)
    for document in documents {
      digest.update(Self.head(document))
      let read = document.reader()
      do throws(IndexFailure<SystemError>) {
        try parser.add(subdirectory: document.subdirectory) { (buffer) throws(SystemError) in
          let count = try read(buffer)
          digest.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
          return count
        }
      } catch {
        switch error {
        case .io(let error): throw IndexUnread.unreadable(error)
        case .index(let error):
          // Half of the old index and half of the new one are no reason to call either wrong.
          if try Self.digest(documents) != self.digest { throw IndexUnread.changed }
          throw error
        }
      }
    }
    guard digest.finalize() == self.digest else { throw IndexUnread.changed }
    return parser.finish()
  }

  private static let algorithm = "xxh3_128"

  private static func digest(_ documents: [IndexDocument]) throws -> String {
    var digest = try Digest.named(algorithm)
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 64)
    defer { piece.deallocate() }
    for document in documents {
      digest.update(head(document))
      let read = document.reader()
      while true {
        let count: Int
        do throws(SystemError) { count = try read(piece) } catch { throw IndexUnread.unreadable(error) }
        if count == 0 { break }
        digest.update(UnsafeRawBufferPointer(rebasing: piece[..<count]))
      }
    }
    return digest.finalize()
  }

  /// Where one document ends and the next begins.
  private static func head(_ document: IndexDocument) -> [UInt8] {
    Array("\(document.subdirectory.utf8.count) \(document.subdirectory) \(document.count)\n".utf8)
  }
}
