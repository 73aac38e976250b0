import DaemonConfiguration
import LinuxSystem
import Synchronization
import WireProtocol

/// Who may connect and who may administer, by the kernel's word on who is on the other side of a socket.
final class AccessRules: Sendable {
  private struct Resolved {
    /// nil: whoever the socket's mode lets in.
    var users: Set<UInt32>?
    var groups: Set<UInt32>?
    var admins: Set<UInt32> = []
  }

  private let resolved: Mutex<Resolved>

  /// - Throws: `ServerError` naming an account that this machine does not have.
  init(_ access: AccessConfiguration) throws { resolved = Mutex(try Self.resolve(access)) }

  /// Takes up other rules; connections that are open stay.
  func replace(with access: AccessConfiguration) throws {
    let new = try Self.resolve(access)
    resolved.withLock { $0 = new }
  }

  /// Why a peer may not connect; nil when it may. Administrators always may.
  func refusal(of peer: PeerCredentials) -> String? {
    if isAdmin(peer) { return nil }
    return resolved.withLock { rules in
      if rules.users == nil, rules.groups == nil { return nil }
      if rules.users?.contains(peer.user) == true { return nil }
      if let groups = rules.groups, groups.contains(where: peer.isMember(of:)) { return nil }
      return "user \(peer.user) may not use this daemon; access.users or access.groups must name it"
    }
  }

  /// Whether a peer may send admin requests.
  func isAdmin(_ peer: PeerCredentials) -> Bool {
    if peer.user == 0 || peer.user == PeerCredentials.ownUser { return true }
    return resolved.withLock { $0.admins.contains(peer.user) }
  }

  private static func resolve(_ access: AccessConfiguration) throws -> Resolved {
    Resolved(
      users: try access.users.map { Set(try $0.map { try id($0, "user", Accounts.user(named:)) }) },
      groups: try access.groups.map { Set(try $0.map { try id($0, "group", Accounts.group(named:)) }) },
      admins: Set(try access.admins.map { try id($0, "user", Accounts.user(named:)) }))
  }

  private static func id(
    _ account: Account, _ what: String, _ find: (String) throws(SystemError) -> UInt32?
  ) throws -> UInt32 {
    switch account {
    case .id(let id): return id
    case .name(let name):
      guard let id = try find(name) else {
        throw ServerError(.badSpecification, "access names the \(what) \"\(name)\", whom this machine does not know")
      }
      return id
    }
  }
}
