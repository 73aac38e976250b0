import Codecs

/// Shared Key signatures of Azure Blob Storage, for GET requests.
///
/// Source: Microsoft, "Authorize with Shared Key", version 2009-09-19 and later of the signature string.
public struct AzureSharedKey: Sendable, CustomStringConvertible, CustomReflectable {
  /// The service version that requests name.
  public static let version = "2021-08-06"

  public let account: String
  private let key: [UInt8]

  /// - Parameter key: the account's key as Azure shows it, in base 64; nil comes back when it is not.
  public init?(account: String, key: String) {
    guard let bytes = Base64.decode(key), !bytes.isEmpty else { return nil }
    self.account = account
    self.key = bytes
  }

  public var description: String { "shared key of \(account)" }
  public var customMirror: Mirror { Mirror(self, children: ["account": account]) }

  /// The headers that sign a GET of `url` with this `Range` header (or none) at Unix time `time`.
  public func headers(for url: RequestURL, range: String?, time: Int) -> [HTTPField] {
    let own = [HTTPField("x-ms-date", HTTPDate.imf(time)), HTTPField("x-ms-version", Self.version)]
    let canonicalHeaders = own.map { "\($0.name):\($0.value)\n" }.joined()
    // Content-Encoding, -Language, -Length, -MD5, -Type, Date, If-Modified-Since, If-Match, If-None-Match,
    // If-Unmodified-Since are all empty.
    let lines = ["GET"] + [String](repeating: "", count: 10) + [range ?? ""]
    let toSign = lines.joined(separator: "\n") + "\n" + canonicalHeaders + resource(url)
    let signature = Base64.encode(HMAC.sha256(key: key, message: toSign.utf8))
    return own + [HTTPField("Authorization", "SharedKey \(account):\(signature)", isSecret: true)]
  }

  private func resource(_ url: RequestURL) -> String {
    var result = "/\(account)\(url.path)"
    var parameters: [String: [String]] = [:]
    for part in (url.query ?? "").split(separator: "&") {
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = (PercentEncoding.decode(halves[0]) ?? String(halves[0])).lowercased()
      parameters[name, default: []].append(halves.count > 1 ? PercentEncoding.decode(halves[1]) ?? "" : "")
    }
    for name in parameters.keys.sorted() {
      result += "\n\(name):\((parameters[name] ?? []).sorted().joined(separator: ","))"
    }
    return result
  }
}
