import Glibc

/// systemd-journald's native protocol: one datagram a record, a field a line, binary-safe where a value has line ends.
///
/// Source: systemd's "Native Journal Protocol".
public final class JournalSocket: Sendable {
  /// Where journald listens.
  public static let standardPath = "/run/systemd/journal/socket"
  /// A record is cut to this; larger datagrams would need a memory file.
  public static let maximumRecordBytes = 48 * 1024

  private let socket: OwnedDescriptor
  private let path: String

  /// A socket that sends to journald at `path`.
  public init(path: String = JournalSocket.standardPath) throws(SystemError) {
    self.path = path
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    socket = OwnedDescriptor(adopting: try systemCall("socket", path) { Glibc.socket(AF_UNIX, kind, 0) })
  }

  /// True when this process's standard error is the journal, which systemd states as `JOURNAL_STREAM=device:inode`.
  public static var isStandardError: Bool {
    guard let stated = EnvironmentVariable.value("JOURNAL_STREAM") else { return false }
    var status = stat()
    guard fstat(STDERR_FILENO, &status) == 0 else { return false }
    return stated == "\(status.st_dev):\(status.st_ino)"
  }

  /// Sends one record. A record that journald cannot take now is dropped rather than stalling a caller; answers whether
  /// it was sent.
  @discardableResult
  public func send(_ fields: [(name: String, value: String)]) -> Bool {
    var record: [UInt8] = []
    for (name, value) in fields {
      record += Array(name.utf8)
      let bytes = Array(value.utf8)
      if bytes.contains(0x0a) {
        record.append(0x0a)
        withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { record += Array($0) }
      } else {
        record.append(0x3d)
      }
      record += bytes
      record.append(0x0a)
      if record.count > Self.maximumRecordBytes { return false }
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = Array(path.utf8)
    guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let sent = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
        sendto(
          socket.raw, record, record.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), target,
          socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return sent == record.count
  }
}
