import Glibc
import SystemPackage

/// The address of a Unix domain socket: a path, or a name in the kernel's abstract namespace.
public struct UnixAddress: Hashable, Sendable, CustomStringConvertible {
  /// Bytes a path may have: `sun_path` less its closing zero.
  public static let pathLimit = 107

  /// The path, or for an abstract name "@" and the name.
  public let description: String
  private let bytes: [UInt8]

  /// A socket file; nil if the path is empty, longer than 107 bytes, or holds a zero byte.
  public init?(path: String) {
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count <= Self.pathLimit, !bytes.contains(0) else { return nil }
    self.bytes = bytes + [0]
    description = path
  }

  /// A name in the abstract namespace, without the "@" that stands for it in text.
  public init?(abstractName name: String) {
    let bytes = Array(name.utf8)
    guard !bytes.isEmpty, bytes.count <= Self.pathLimit else { return nil }
    self.bytes = [0] + bytes
    description = "@\(name)"
  }

  /// Runs `body` on the address as the kernel wants it.
  func withSockAddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = MemoryLayout<sa_family_t>.size + bytes.count
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
    }
  }
}
