import Glibc
import SystemPackage

/// Control messages (cmsg(3)) as Linux lays them out on 64-bit machines; the C macros do not come over to Swift.
private enum ControlMessage {
  /// IOV_MAX: parts one call takes.
  static let partLimit = 1024
  /// `cmsghdr`: length (8 bytes), level (4), type (4).
  static let headerBytes = MemoryLayout<cmsghdr>.size
  /// SCM_MAX_FD: no message carries more.
  static let descriptorLimit = 253
  /// CMSG_SPACE of one descriptor message of the greatest length.
  static let greatestBytes = space(descriptorLimit)

  static func space(_ descriptors: Int) -> Int {
    headerBytes + (descriptors * MemoryLayout<CInt>.size + 7) & ~7
  }
}

extension UnixSocket {
  /// Descriptors one message can carry.
  public static let descriptorLimit = ControlMessage.descriptorLimit

  /// What one receive brought.
  public struct Received: Sendable {
    /// Bytes; 0 at the end of the connection.
    public let bytes: Int
    /// Descriptors that came along, in their order.
    public let descriptors: [OwnedDescriptor]
    /// The kernel dropped descriptors: this process has no room for more open files.
    public let isCut: Bool
  }

  /// Sends all of `parts`, one behind another; `descriptors` are attached to the first byte, of which there must be one.
  ///
  /// The number of system calls is that of the kernel's limit (1,024 parts a call), not of the parts. Fails with EAGAIN
  /// when nothing could be sent for the send timeout, and with EPIPE (no signal) when the other end is gone.
  public func send(
    _ parts: [UnsafeRawBufferPointer], descriptors: [OwnedDescriptor] = []
  ) throws(SystemError) {
    precondition(descriptors.count <= Self.descriptorLimit, "too many descriptors for one message")
    var vectors: [iovec] = []
    vectors.reserveCapacity(parts.count)
    for part in parts where !part.isEmpty {
      vectors.append(iovec(iov_base: UnsafeMutableRawPointer(mutating: part.baseAddress), iov_len: part.count))
    }
    precondition(descriptors.isEmpty || !vectors.isEmpty, "descriptors need a byte to go with")
    var first = 0
    var attached = descriptors
    while first < vectors.count {
      let sent = try sendOnce(&vectors, from: first, attached)
      attached = []
      first = Self.advance(&vectors, from: first, by: sent)
    }
    // The descriptors must outlive the call that duplicates them into the message.
    withExtendedLifetime(descriptors) {}
  }

  /// Sends what fits at once, without waiting; answers false if that was not all.
  public func sendWithoutWaiting(_ bytes: [UInt8]) throws(SystemError) -> Bool {
    do throws(SystemError) {
      let sent = try systemCall("send", "descriptor \(descriptor.raw)") {
        bytes.withUnsafeBytes {
          Glibc.send(descriptor.raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
      }
      return sent == bytes.count
    } catch  where error.errno == .resourceTemporarilyUnavailable {
      return false
    }
  }

  /// Receives what is there, waiting for the first byte; answers 0 at the end. Descriptors that the other end attached
  /// are dropped by the kernel.
  public func receive(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
    try systemCall("recv", "descriptor \(descriptor.raw)") { recv(descriptor.raw, buffer.baseAddress, buffer.count, 0) }
  }

  /// Receives what is there, without waiting; nil if there is nothing yet, 0 at the end. Descriptors are dropped.
  public func receiveIfThere(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int? {
    let count = recv(descriptor.raw, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT))
    if count >= 0 { return count }
    let errno = Errno(rawValue: errno)
    if errno == .resourceTemporarilyUnavailable || errno == .interrupted { return nil }
    throw SystemError("recv", "descriptor \(descriptor.raw)", errno)
  }

  /// Receives what is there, waiting for the first byte, with the descriptors that came along. They are closed on exec.
  public func receiveMessage(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Received {
    let outcome = withUnsafeTemporaryAllocation(byteCount: ControlMessage.greatestBytes, alignment: 8) { control in
      Result { () throws(SystemError) in try receiveMessage(into: buffer, control: control) }
    }
    return try outcome.get()
  }

  private func receiveMessage(
    into buffer: UnsafeMutableRawBufferPointer, control: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Received {
    var vector = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
    var message = msghdr()
    let count = try systemCall("recvmsg", "descriptor \(descriptor.raw)") {
      withUnsafeMutablePointer(to: &vector) { vector in
        message.msg_iov = vector
        message.msg_iovlen = 1
        message.msg_control = control.baseAddress
        message.msg_controllen = control.count
        message.msg_flags = 0
        return recvmsg(descriptor.raw, &message, CInt(MSG_CMSG_CLOEXEC))
      }
    }
    let written = UnsafeRawBufferPointer(rebasing: control[..<min(message.msg_controllen, control.count)])
    return Received(
      bytes: count, descriptors: Self.descriptors(in: written),
      isCut: message.msg_flags & CInt(MSG_CTRUNC) != 0)
  }

  /// Takes ownership of every descriptor in the control messages.
  private static func descriptors(in control: UnsafeRawBufferPointer) -> [OwnedDescriptor] {
    var owned: [OwnedDescriptor] = []
    var offset = 0
    while offset + ControlMessage.headerBytes <= control.count {
      let header = control.loadUnaligned(fromByteOffset: offset, as: cmsghdr.self)
      let length = min(Int(header.cmsg_len), control.count - offset)
      guard length >= ControlMessage.headerBytes else { break }
      if header.cmsg_level == SOL_SOCKET, header.cmsg_type == CInt(SCM_RIGHTS) {
        let items = (length - ControlMessage.headerBytes) / MemoryLayout<CInt>.size
        for item in 0..<items {
          let place = offset + ControlMessage.headerBytes + item * MemoryLayout<CInt>.size
          owned.append(OwnedDescriptor(adopting: control.loadUnaligned(fromByteOffset: place, as: CInt.self)))
        }
      }
      offset += (length + 7) & ~7
    }
    return owned
  }

  private func sendOnce(
    _ vectors: inout [iovec], from first: Int, _ attached: [OwnedDescriptor]
  ) throws(SystemError) -> Int {
    let bytes = attached.isEmpty ? 0 : ControlMessage.space(attached.count)
    let outcome = vectors.withUnsafeMutableBufferPointer { vectors in
      withUnsafeTemporaryAllocation(byteCount: bytes, alignment: 8) { control in
        Result { () throws(SystemError) in
          var message = msghdr()
          message.msg_iov = vectors.baseAddress.map { $0 + first }
          message.msg_iovlen = min(vectors.count - first, ControlMessage.partLimit)
          if !attached.isEmpty {
            Self.fill(control, with: attached)
            message.msg_control = control.baseAddress
            message.msg_controllen = control.count
          }
          return try systemCall("sendmsg", "descriptor \(descriptor.raw)") {
            sendmsg(descriptor.raw, &message, CInt(MSG_NOSIGNAL))
          }
        }
      }
    }
    return try outcome.get()
  }

  private static func fill(_ control: UnsafeMutableRawBufferPointer, with descriptors: [OwnedDescriptor]) {
    _ = control.initializeMemory(as: UInt8.self, repeating: 0)
    var header = cmsghdr()
    header.cmsg_len = ControlMessage.headerBytes + descriptors.count * MemoryLayout<CInt>.size
    header.cmsg_level = SOL_SOCKET
    header.cmsg_type = CInt(SCM_RIGHTS)
    control.storeBytes(of: header, as: cmsghdr.self)
    for (index, descriptor) in descriptors.enumerated() {
      control.storeBytes(
        of: descriptor.raw, toByteOffset: ControlMessage.headerBytes + index * MemoryLayout<CInt>.size, as: CInt.self)
    }
  }

  /// Marks `count` bytes as sent; answers the first part that has any left.
  private static func advance(_ vectors: inout [iovec], from first: Int, by count: Int) -> Int {
    var index = first
    var left = count
    while index < vectors.count, left >= vectors[index].iov_len {
      left -= vectors[index].iov_len
      index += 1
    }
    if left > 0 {
      vectors[index].iov_base = vectors[index].iov_base.map { $0 + left }
      vectors[index].iov_len -= left
    }
    return index
  }
}
