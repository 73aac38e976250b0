import StreamRegistry

/// The Unix socket that trainers connect to, and the operator's own.
public struct SocketConfiguration: Sendable, Hashable {
  /// Path of the socket. Its directory, not the socket, is what containers mount.
  public var path = "/run/sluice/sluiced.sock"
  /// Permission bits of the socket.
  public var mode: UInt16 = 0o660
  /// Group that owns the socket; nil leaves the daemon's own.
  public var group: Account?
  /// A second socket for administration only; nil serves it on `path` to those whom `access` names.
  public var adminPath: String?

  public init() {}

  /// Longest path that a Unix socket's address holds (`sun_path`, its final zero byte apart).
  public static let maximumPathBytes = 107

  /// Reads the map under `key`, or just a path.
  static func read(under key: String, of reader: inout ConfigurationReader) -> SocketConfiguration {
    guard reader.value(key)?.text != nil else { return reader.section(key, read) ?? SocketConfiguration() }
    var socket = SocketConfiguration()
    socket.path = readPath(key, &reader) ?? socket.path
    return socket
  }

  private static func read(_ reader: inout ConfigurationReader) -> SocketConfiguration {
    var socket = SocketConfiguration()
    socket.path = readPath("path", &reader) ?? socket.path
    socket.adminPath = readPath("admin_path", &reader)
    socket.mode = readMode(&reader) ?? socket.mode
    socket.group = Account.read("group", from: &reader)
    if let adminPath = socket.adminPath, adminPath == socket.path {
      reader.report("admin_path", "is the trainers' socket; give it a path of its own or leave it out")
    }
    return socket
  }

  private static func readPath(_ key: String, _ reader: inout ConfigurationReader) -> String? {
    guard let path = reader.absolutePath(key) else { return nil }
    if path.utf8.count > maximumPathBytes {
      reader.report(key, "is \(path.utf8.count) bytes long; a socket's path has at most \(maximumPathBytes)")
    }
    return path
  }

  /// Octal, quoted or not: "0660", 0660, 660, 0o660.
  private static func readMode(_ reader: inout ConfigurationReader) -> UInt16? {
    guard let value = reader.value("mode") else { return nil }
    var digits = Substring(value.text ?? value.spelling ?? "")
    if digits.hasPrefix("0o") { digits = digits.dropFirst(2) }
    guard digits.utf8.allSatisfy({ (0x30...0x37).contains($0) }), let mode = UInt16(digits, radix: 8), mode <= 0o777
    else {
      reader.report("mode", "must be permission bits in octal, \"0660\" for the owner and the group")
      return nil
    }
    if mode & 0o600 != 0o600 { reader.report("mode", "shuts out the daemon's own user; begin with 06 (\"0660\")") }
    return mode
  }
}

/// A user or group of the system, by number or by name.
public enum Account: Sendable, Hashable, CustomStringConvertible {
  case id(UInt32)
  case name(String)

  public var description: String {
    switch self {
    case .id(let id): "\(id)"
    case .name(let name): name
    }
  }

  static func read(_ key: String, from reader: inout ConfigurationReader) -> Account? {
    guard let value = reader.value(key) else { return nil }
    guard let account = Account(value) else {
      reader.report(key, "must be a name or a number of the system's, not \(value.form)")
      return nil
    }
    return account
  }

  static func readList(_ key: String, from reader: inout ConfigurationReader) -> [Account]? {
    guard let value = reader.value(key) else { return nil }
    guard let items = value.list else {
      reader.report(key, "must be a list of names or numbers, not \(value.form)")
      return nil
    }
    var accounts: [Account] = []
    for (position, item) in items.enumerated() {
      guard let account = Account(item) else {
        let path = "\(reader.keyPath(key))[\(position)]"
        let message = "must be a name or a number of the system's, not \(item.form)"
        reader.absorb([ConfigurationProblem(line: item.line, keyPath: path, message: message)])
        continue
      }
      accounts.append(account)
    }
    return accounts
  }

  private init?(_ value: ConfigurationValue) {
    switch value.content {
    case .integer(let number):
      guard let id = UInt32(exactly: number), id != .max else { return nil }
      self = .id(id)
    case .text(let text):
      guard !text.isEmpty, !text.contains(where: { $0.isWhitespace || $0 == ":" || $0 == "/" }) else { return nil }
      self = .name(text)
    default: return nil
    }
  }
}

/// Who may connect. The daemon's own user and root always may, and may administer.
public struct AccessConfiguration: Sendable, Hashable {
  /// Users who may connect; nil together with `groups` leaves it to the socket's mode and group.
  public var users: [Account]?
  /// Groups whose members may connect.
  public var groups: [Account]?
  /// Users who may administer besides the daemon's own and root.
  public var admins: [Account] = []

  public init() {}

  static func read(_ reader: inout ConfigurationReader) -> AccessConfiguration {
    var access = AccessConfiguration()
    access.users = Account.readList("users", from: &reader)
    access.groups = Account.readList("groups", from: &reader)
    access.admins = Account.readList("admins", from: &reader) ?? []
    return access
  }
}

extension ConfigurationReader {
  /// A path that begins with `/`.
  mutating func absolutePath(_ key: String) -> String? {
    guard let path = text(key) else { return nil }
    guard path.hasPrefix("/"), !path.utf8.contains(0) else {
      report(key, "must be an absolute path (it begins with /), not \"\(path)\"")
      return nil
    }
    return path
  }
}
