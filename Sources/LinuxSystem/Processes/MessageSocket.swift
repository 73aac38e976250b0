import Glibc
import SystemPackage

/// One end of a pair of connected sockets that keep messages apart and can carry a descriptor with each.
///
/// SOCK_SEQPACKET: a message arrives whole or not at all, its descriptor with it, and an end that is gone is noticed.
public struct MessageSocket: Sendable {
  public let descriptor: OwnedDescriptor

  public init(_ descriptor: OwnedDescriptor) { self.descriptor = descriptor }

  /// Two connected ends, closed on exec.
  public static func pair() throws(SystemError) -> (MessageSocket, MessageSocket) {
    var ends: [CInt] = [-1, -1]
    try systemCall("socketpair", "messages") {
      socketpair(AF_UNIX, CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, &ends)
    }
    return (
      MessageSocket(OwnedDescriptor(adopting: ends[0])), MessageSocket(OwnedDescriptor(adopting: ends[1]))
    )
  }

  /// Room for one control message with one descriptor, aligned as the kernel wants it.
  private static let controlBytes = 24

  /// Sends one message.
  ///
  /// - Parameter waits: false throws EAGAIN instead of waiting for the other end to read.
  public func send(_ bytes: [UInt8], passing passed: OwnedDescriptor? = nil, waits: Bool = true) throws(SystemError) {
    let flags = Int32(MSG_NOSIGNAL) | (waits ? 0 : Int32(MSG_DONTWAIT))
    let socket = descriptor.raw
    var bytes = bytes
    let code = bytes.withUnsafeMutableBytes { payload -> Int32 in
      withUnsafeTemporaryAllocation(byteCount: Self.controlBytes, alignment: 8) { control -> Int32 in
        var part = iovec(iov_base: payload.baseAddress, iov_len: payload.count)
        return withUnsafeMutablePointer(to: &part) { part -> Int32 in
          var message = msghdr()
          message.msg_iov = part
          message.msg_iovlen = 1
          if let passed {
            // struct cmsghdr: length (size_t, with this header), level and type (int); then the descriptor.
            control.initializeMemory(as: UInt8.self, repeating: 0)
            control.storeBytes(of: 16 + MemoryLayout<CInt>.size, toByteOffset: 0, as: Int.self)
            control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: CInt.self)
            control.storeBytes(of: CInt(SCM_RIGHTS), toByteOffset: 12, as: CInt.self)
            control.storeBytes(of: passed.raw, toByteOffset: 16, as: CInt.self)
            message.msg_control = control.baseAddress
            message.msg_controllen = Self.controlBytes
          }
          while sendmsg(socket, &message, flags) < 0 {
            if errno != EINTR { return errno }
          }
          return 0
        }
      }
    }
    if code != 0 { throw SystemError("sendmsg", "descriptor \(socket)", Errno(rawValue: code)) }
  }

  /// One message that arrived.
  public struct Message: Sendable {
    public let bytes: [UInt8]
    public let descriptor: OwnedDescriptor?
    /// A descriptor was sent, but this process had no number left for it.
    public let lostDescriptor: Bool
  }

  /// Waits for a message; nil when the other end is gone. A message longer than `limit` bytes throws EMSGSIZE.
  public func receive(limit: Int) throws(SystemError) -> Message? {
    let socket = descriptor.raw
    var received: (count: Int, flags: Int32, passed: CInt?, code: Int32) = (0, 0, nil, 0)
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
      received = Self.receive(socket, into: UnsafeMutableRawBufferPointer(buffer))
      filled = max(0, received.count)
    }
    let passed = received.passed.map { OwnedDescriptor(adopting: $0) }
    if received.code != 0 { throw SystemError("recvmsg", "descriptor \(socket)", Errno(rawValue: received.code)) }
    if received.flags & Int32(MSG_TRUNC) != 0 {
      throw SystemError("recvmsg", "descriptor \(socket)", Errno(rawValue: EMSGSIZE))
    }
    if received.count == 0 { return nil }
    let isCut = received.flags & Int32(MSG_CTRUNC) != 0
    return Message(bytes: bytes, descriptor: passed, lostDescriptor: isCut && passed == nil)
  }

  private static func receive(
    _ socket: CInt, into buffer: UnsafeMutableRawBufferPointer
  ) -> (count: Int, flags: Int32, passed: CInt?, code: Int32) {
    withUnsafeTemporaryAllocation(byteCount: controlBytes, alignment: 8) { control in
      var part = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
      return withUnsafeMutablePointer(to: &part) { part in
        var message = msghdr()
        message.msg_iov = part
        message.msg_iovlen = 1
        message.msg_control = control.baseAddress
        message.msg_controllen = controlBytes
        var count = -1
        repeat {
          count = recvmsg(socket, &message, Int32(MSG_CMSG_CLOEXEC))
        } while count < 0 && errno == EINTR
        if count < 0 { return (count, 0, nil, errno) }
        var passed: CInt?
        if message.msg_controllen >= 16 + MemoryLayout<CInt>.size,
          control.load(fromByteOffset: 8, as: CInt.self) == SOL_SOCKET,
          control.load(fromByteOffset: 12, as: CInt.self) == CInt(SCM_RIGHTS),
          control.load(fromByteOffset: 0, as: Int.self) >= 16 + MemoryLayout<CInt>.size
        {
          passed = control.load(fromByteOffset: 16, as: CInt.self)
        }
        return (count, message.msg_flags, passed, 0)
      }
    }
  }
}
