import LinuxSystem
import WireProtocol

/// A frame ready to be sent: its bytes in one or two parts, and the descriptors that go with its first byte.
struct OutgoingFrame: Sendable {
  var head: [UInt8]
  /// Sent right behind `head`, from where it lies; its first `tailCount` bytes.
  var tail: [UInt8] = []
  var tailCount = 0
  var descriptors: [OwnedDescriptor] = []

  init(head: [UInt8], tail: [UInt8] = [], tailCount: Int = 0, descriptors: [OwnedDescriptor] = []) {
    self.head = head
    self.tail = tail
    self.tailCount = tailCount
    self.descriptors = descriptors
  }

  /// A payload as a frame of its own.
  init(_ payload: some ReplyPayload, request: UInt64) {
    head = payload.frame(request: request)
  }
}
