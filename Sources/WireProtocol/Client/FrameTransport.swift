/// A connection as a client of this protocol needs it. `LocalSocket.ClientConnection` has this shape.
public protocol FrameTransport {
  /// An open file that came with a frame.
  associatedtype Descriptor

  /// Sends all of `bytes`.
  func send(_ bytes: [UInt8]) throws
  /// Receives at least one byte into `buffer` and answers how many, or 0 at the end of the connection. Descriptors
  /// that come along are kept in a queue.
  func receive(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
  /// Takes the oldest `count` descriptors off the queue; fails if fewer have come.
  func takeDescriptors(_ count: Int) throws -> [Descriptor]
}
