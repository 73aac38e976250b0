import Dispatch

/// Bounds the bytes that have arrived and are not yet written, over all of a process's transfers.
///
/// Taking blocks, which stops the session's queue and so the sockets: a slow disk slows the network down instead of
/// filling the memory.
final class ChunkBudget: Sendable {
  /// Bytes gathered before they are handed to the file.
  static let chunkBytes = 256 << 10

  private let free = DispatchSemaphore(value: 0)

  init(chunks: Int) {
    // Counted up from 0: libdispatch stops the process when a semaphore is dropped below its first value.
    for _ in 0..<chunks { free.signal() }
  }

  func take() { free.wait() }
  func giveBack() { free.signal() }
}
