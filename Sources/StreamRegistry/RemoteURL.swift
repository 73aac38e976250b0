/// What a remote's text says before anyone connects: its scheme, host and what must not be in it.
///
/// Only as much of RFC 3986 as telling kinds apart and keeping secrets out of logs needs.
public struct RemoteURL: Sendable, Hashable {
  /// Lower-case; nil for a path.
  public let scheme: String?
  /// Lower-case, without a port or a user; "" for a path.
  public let host: String
  /// Between the scheme and the host, a user or password was written.
  public let hasUser: Bool
  /// A `?` or `#` was written.
  public let hasQuery: Bool

  public init(_ text: String) {
    guard let (scheme, rest) = RemoteURL.split(text) else {
      (self.scheme, host, hasUser, hasQuery) = (nil, "", false, false)
      return
    }
    self.scheme = scheme
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let afterUser = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
    hasUser = afterUser.startIndex != authority.startIndex
    host = RemoteURL.withoutPort(afterUser).lowercased()
    hasQuery = rest.contains { $0 == "?" || $0 == "#" }
  }

  /// The kind a scheme stands for: the same word; `local` for a path.
  public var kind: String { scheme ?? "local" }

  /// True for this machine's own addresses, to which plain http is always accepted.
  public var isLoopback: Bool {
    if host == "localhost" || host == "[::1]" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// `text` without a user, a password, a query or a fragment, fit for logs.
  public static func redacted(_ text: String) -> String {
    guard let (scheme, rest) = split(text) else { return text }
    let kept = rest.prefix { $0 != "?" && $0 != "#" }
    let authority = kept.prefix { $0 != "/" }
    let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
    return "\(scheme)://\(host)\(kept[authority.endIndex...])"
  }

  private static func split(_ text: String) -> (scheme: String, rest: Substring)? {
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
    let scheme = text[..<colon].lowercased()
    guard let first = scheme.utf8.first, (0x61...0x7a).contains(first),
      scheme.utf8.allSatisfy({
        (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || [0x2b, 0x2d, 0x2e].contains($0)
      })
    else { return nil }
    return (scheme, text[text.index(colon, offsetBy: 3)...])
  }

  private static func withoutPort(_ authority: Substring) -> Substring {
    if authority.hasPrefix("["), let close = authority.firstIndex(of: "]") { return authority[...close] }
    return authority.prefix { $0 != ":" }
  }
}
