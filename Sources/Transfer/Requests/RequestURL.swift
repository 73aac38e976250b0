/// An absolute URL of a remote, split as far as requests, signatures and redirects need it.
///
/// Source: RFC 3986. The path and the query stay percent-encoded as they came; user information is refused, because it
/// would put a password into every log line.
public struct RequestURL: Hashable, Sendable {
  /// Lower-case.
  public var scheme: String
  /// Lower-case; an IPv6 literal keeps its brackets.
  public var host: String
  /// Only when the text named one.
  public var port: Int?
  /// Percent-encoded, beginning with "/".
  public var path: String
  /// Percent-encoded, without the "?".
  public var query: String?

  public init(scheme: String, host: String, port: Int? = nil, path: String = "/", query: String? = nil) {
    self.scheme = scheme
    self.host = host
    self.port = port
    self.path = path.hasPrefix("/") ? path : "/" + path
    self.query = query
  }

  /// The URL that `text` spells, or nil when it is none, has user information, or a port outside 1…65535.
  public init?(_ text: String) {
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
    let scheme = text[..<colon].lowercased()
    guard let first = scheme.utf8.first, Self.isLetter(first),
      scheme.utf8.allSatisfy({ Self.isLetter($0) || Self.isDigit($0) || $0 == 0x2b || $0 == 0x2d || $0 == 0x2e })
    else { return nil }
    var rest = text[text.index(colon, offsetBy: 3)...]
    if let fragment = rest.firstIndex(of: "#") { rest = rest[..<fragment] }
    guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
    let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    let authority = rest[..<authorityEnd]
    guard let (host, port) = Self.splitAuthority(authority) else { return nil }
    var path = rest[authorityEnd...]
    var query: String?
    if let mark = path.firstIndex(of: "?") {
      query = String(path[path.index(after: mark)...])
      path = path[..<mark]
    }
    self.init(scheme: scheme, host: host, port: port, path: path.isEmpty ? "/" : String(path), query: query)
  }

  private static func splitAuthority(_ authority: Substring) -> (String, Int?)? {
    guard !authority.contains("@") else { return nil }
    let hostEnd: Substring.Index
    if authority.hasPrefix("[") {
      guard let bracket = authority.firstIndex(of: "]") else { return nil }
      hostEnd = authority.index(after: bracket)
    } else {
      hostEnd = authority.firstIndex(of: ":") ?? authority.endIndex
    }
    let host = authority[..<hostEnd].lowercased()
    let tail = authority[hostEnd...]
    if tail.isEmpty || tail == ":" { return (host, nil) }
    guard tail.hasPrefix(":"), tail.dropFirst().utf8.allSatisfy(isDigit), let port = Int(tail.dropFirst()),
      (1...65535).contains(port)
    else { return nil }
    return (host, port)
  }

  static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }
  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// `host` or `host:port`, as the Host header has it.
  public var authority: String { port.map { "\(host):\($0)" } ?? host }

  /// The port in force: the one named, or the scheme's.
  public var effectivePort: Int? {
    if let port { return port }
    return ["https": 443, "http": 80][scheme]
  }

  /// The whole URL.
  public var text: String { textWithoutQuery + (query.map { "?\($0)" } ?? "") }

  /// What may stand in logs and errors: signatures and tokens travel in queries.
  public var textWithoutQuery: String { "\(scheme)://\(authority)\(path)" }

  /// True for this machine's own addresses, where plain HTTP crosses no wire.
  public var isLoopback: Bool {
    if host == "localhost" || host == "[::1]" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// True when credentials given to `other` may also be sent here: same scheme, host and port.
  public func sharesOrigin(with other: RequestURL) -> Bool {
    scheme == other.scheme && host == other.host && effectivePort == other.effectivePort
  }

  /// This URL with `relativePath` (a plain text, each byte of it meant) below its path. A query is kept.
  public func appending(_ relativePath: String) -> RequestURL {
    var result = self
    let base = path.hasSuffix("/") ? String(path.dropLast()) : path
    result.path = base + "/" + PercentEncoding.path(relativePath)
    return result
  }

  /// Where a `Location` header of `text` leads from here, or nil when that is no URL.
  ///
  /// Source: RFC 3986 §5.2.
  public func resolving(_ text: String) -> RequestURL? {
    if let absolute = RequestURL(text) { return absolute }
    if text.hasPrefix("//") { return RequestURL("\(scheme):\(text)") }
    let colon = text.firstIndex(of: ":")
    if let colon, !text[..<colon].contains("/"), !text[..<colon].contains("?") { return nil }
    if text.hasPrefix("/") { return RequestURL("\(scheme)://\(authority)\(text)").map(\.withoutDotSegments) }
    if text.isEmpty { return self }
    if text.hasPrefix("?") { return RequestURL("\(scheme)://\(authority)\(path)\(text)") }
    let directory = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
    return RequestURL("\(scheme)://\(authority)\(directory)\(text)").map(\.withoutDotSegments)
  }

  private var withoutDotSegments: RequestURL {
    var kept: [Substring] = []
    let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    for (place, segment) in segments.enumerated() {
      let isLast = place == segments.count - 1
      if segment == ".." {
        _ = kept.popLast()
        if isLast { kept.append("") }
      } else if segment == "." {
        if isLast { kept.append("") }
      } else {
        kept.append(segment)
      }
    }
    var result = self
    result.path = "/" + kept.joined(separator: "/")
    return result
  }
}
