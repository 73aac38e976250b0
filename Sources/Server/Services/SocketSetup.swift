import DaemonConfiguration
import LinuxSystem
import LocalSocket
import WireProtocol

/// The sockets a daemon listens on: the service manager's if it passed any, else those of the configuration.
enum SocketSetup {
  /// Connections beyond the limit that probes may have.
  static let probes = 8

  /// Where trainers reach the daemon, for its own probe: a socket that was passed to it may lie elsewhere than the
  /// configuration says.
  static func path(_ options: Daemon.Options) -> String {
    options.activated.lazy.compactMap { $0.socket.path }.first ?? options.configuration.socket.path
  }

  static func listeners(_ options: Daemon.Options) throws -> [Listener] {
    let configuration = options.configuration
    let limits = ConnectionLimits(connections: configuration.limits.connections, probes: probes)
    if !options.activated.isEmpty {
      return try options.activated.map { try Listener.adopt($0, limits: limits) }
    }
    let group = try configuration.socket.group.map(groupID)
    var paths = [configuration.socket.path]
    if let admin = configuration.socket.adminPath { paths.append(admin) }
    return try paths.enumerated().map { index, path in
      // The administrators' socket is its owner's alone.
      let mode = index == 0 ? UInt32(configuration.socket.mode) : 0o600
      return try Listener.bind(
        ListenerAddress(path: path, mode: mode, group: index == 0 ? group : nil), limits: limits)
    }
  }

  private static func groupID(_ account: Account) throws -> UInt32 {
    switch account {
    case .id(let id): return id
    case .name(let name):
      guard let id = try Accounts.group(named: name) else {
        throw ServerError(.badSpecification, "socket.group is \"\(name)\", a group that this machine does not know")
      }
      return id
    }
  }
}
