import StreamRegistry

/// The listener for health and metrics; off unless it is given an address.
public struct HTTPConfiguration: Sendable, Hashable {
  /// Where to listen.
  public enum Address: Sendable, Hashable {
    /// A numeric address (or `localhost`) and a port.
    case tcp(host: String, port: UInt16)
    /// Path of a Unix socket.
    case unix(String)
  }

  /// nil: no listener.
  public var listen: Address?

  public init() {}

  static func read(_ reader: inout ConfigurationReader) -> HTTPConfiguration {
    var http = HTTPConfiguration()
    guard let text = reader.text("listen") else { return http }
    http.listen = Address(text)
    if http.listen == nil {
      reader.report("listen", "must be host:port (127.0.0.1:9464, [::1]:9464) or unix:/path, not \"\(text)\"")
    }
    return http
  }
}

extension HTTPConfiguration.Address {
  init?(_ text: String) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      guard path.hasPrefix("/"), path.utf8.count <= SocketConfiguration.maximumPathBytes else { return nil }
      self = .unix(path)
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "/" }) else { return nil }
    self = .tcp(host: String(host), port: port)
  }
}

/// What is logged, and how it is written.
public struct LogConfiguration: Sendable, Hashable {
  /// From the most to the least said.
  public enum Level: String, Sendable, Hashable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
  }

  /// How a line is written.
  public enum Format: String, Sendable, Hashable, CaseIterable {
    /// journald's own protocol under systemd, text elsewhere.
    case auto
    case text, json, journal
  }

  public var level = Level.info
  public var format = Format.auto

  public init() {}

  static func read(_ reader: inout ConfigurationReader) -> LogConfiguration {
    var log = LogConfiguration()
    let level = reader.choice("level", of: Level.allCases.map(\.rawValue))
    log.level = level.flatMap(Level.init(rawValue:)) ?? log.level
    let format = reader.choice("format", of: Format.allCases.map(\.rawValue))
    log.format = format.flatMap(Format.init(rawValue:)) ?? log.format
    return log
  }
}
