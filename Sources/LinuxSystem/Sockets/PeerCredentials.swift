import Glibc
import SystemPackage

/// Who is at the other end of a Unix domain socket, on the kernel's word: as it was when the connection was made.
public struct PeerCredentials: Hashable, Sendable, CustomStringConvertible {
  /// Process id, for logs only: it may be another process's by now.
  public let process: Int
  /// Effective user id.
  public let user: UInt32
  /// Effective group id.
  public let group: UInt32
  /// Supplementary group ids.
  public let supplementaryGroups: [UInt32]

  public init(process: Int, user: UInt32, group: UInt32, supplementaryGroups: [UInt32] = []) {
    self.process = process
    self.user = user
    self.group = group
    self.supplementaryGroups = supplementaryGroups
  }

  /// True if the peer is in the group, by its effective or a supplementary one.
  public func isMember(of group: UInt32) -> Bool { self.group == group || supplementaryGroups.contains(group) }

  public var description: String { "process \(process), user \(user), group \(group)" }

  /// This process's effective user id, as a peer sees it.
  public static var ownUser: UInt32 { geteuid() }

  /// This process's id.
  public static var ownProcess: Int { Int(getpid()) }
}

extension UnixSocket {
  /// SO_PEERCRED, whose C structure glibc shows only to GNU sources.
  private struct Credentials {
    var process: CInt = 0
    var user: UInt32 = 0
    var group: UInt32 = 0
  }

  /// SO_PEERGROUPS of Linux 4.13, the same number on x86-64 and arm64.
  private static let peerGroupsOption: CInt = 59
  /// A user is in 65,536 groups at most (NGROUPS_MAX).
  private static let groupLimit = 65536

  /// Who connected.
  public func peerCredentials() throws(SystemError) -> PeerCredentials {
    var credentials = Credentials()
    var length = socklen_t(MemoryLayout<Credentials>.size)
    try systemCall("getsockopt(SO_PEERCRED)", "descriptor \(descriptor.raw)") {
      getsockopt(descriptor.raw, SOL_SOCKET, SO_PEERCRED, &credentials, &length)
    }
    return PeerCredentials(
      process: Int(credentials.process), user: credentials.user, group: credentials.group,
      supplementaryGroups: try peerGroups())
  }

  private func peerGroups() throws(SystemError) -> [UInt32] {
    var groups = [UInt32](repeating: 0, count: 64)
    while true {
      var length = socklen_t(groups.count * MemoryLayout<UInt32>.size)
      do throws(SystemError) {
        try systemCall("getsockopt(SO_PEERGROUPS)", "descriptor \(descriptor.raw)") {
          getsockopt(descriptor.raw, SOL_SOCKET, Self.peerGroupsOption, &groups, &length)
        }
        return Array(groups.prefix(Int(length) / MemoryLayout<UInt32>.size))
      } catch  where error.errno == .outOfRange && groups.count < Self.groupLimit {
        groups = [UInt32](repeating: 0, count: Self.groupLimit)
      }
    }
  }
}
