import Codecs
import Synchronization

/// The digest of a file that arrives whole and in order, fed as its chunks are written. Used on one queue; the lock is
/// never waited for.
final class ArrivalDigest: Sendable {
  private struct Running: ~Copyable {
    var digest: IncrementalDigest?
    var end = 0
  }

  private let running: Mutex<Running>

  /// nil when the request wants none, or only a part of its file: what came before is not seen here.
  init?(for request: TransferRequest) {
    guard let algorithm = request.digest, !request.extent.isPartial else { return nil }
    do throws(CodecError) {
      running = Mutex(Running(digest: try IncrementalDigest(algorithm)))
    } catch { return nil }  // Whoever checks the file finds out why the library does not serve.
  }

  /// Adds what was just written.
  func update(_ chunk: ExchangeState.Chunk) {
    running.withLock { running in
      guard chunk.offset == running.end else { return }
      running.digest?.update(chunk.bytes)
      running.end += chunk.bytes.count
    }
  }

  /// The digest in lower-case hexadecimal of the file that ends at `end`; nil when not all of it was seen.
  func finish(at end: Int) -> String? {
    running.withLock { running in
      guard running.end == end, let digest = running.digest.take() else { return nil }
      return digest.finalize()
    }
  }
}
