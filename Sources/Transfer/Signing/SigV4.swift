import Codecs

/// Keys of an S3-compatible store.
public struct AccessKeys: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
  public let accessKey: String
  public let secretKey: String
  public let sessionToken: String?

  public init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
    self.accessKey = accessKey
    self.secretKey = secretKey
    self.sessionToken = sessionToken
  }

  public var description: String { "access keys (secret)" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// AWS Signature Version 4 in the Authorization header, for requests without a body.
///
/// Source: AWS General Reference, "Create a signed AWS API request"; for S3 the path is encoded once and not normalised.
public struct SigV4: Sendable {
  public let keys: AccessKeys
  public let region: String
  public let service: String

  /// SHA-256 of no bytes.
  public static let emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

  public init(keys: AccessKeys, region: String, service: String = "s3") {
    self.keys = keys
    self.region = region
    self.service = service
  }

  /// The headers that sign a GET of `url` at Unix time `time`, `headers` among what is signed.
  ///
  /// - Parameter hashesPayload: S3 wants the payload's digest as a header of its own; other services do not.
  public func headers(
    for url: RequestURL, signing headers: [HTTPField] = [], time: Int, hashesPayload: Bool = true
  ) -> [HTTPField] {
    let date = HTTPDate.basicISO(time)
    var signed = headers
    signed.append(HTTPField("x-amz-date", date))
    if hashesPayload { signed.append(HTTPField("x-amz-content-sha256", Self.emptyPayload)) }
    if let token = keys.sessionToken { signed.append(HTTPField("x-amz-security-token", token, isSecret: true)) }
    let canonical = Self.canonicalHeaders(signed + [HTTPField("host", url.authorityWithoutDefaultPort)])
    let request = [
      "GET", url.path, Self.canonicalQuery(url.query ?? ""), canonical.text, canonical.names, Self.emptyPayload,
    ].joined(separator: "\n")
    let scope = "\(date.prefix(8))/\(region)/\(service)/aws4_request"
    let toSign = ["AWS4-HMAC-SHA256", date, scope, Hexadecimal.encode(Digest.sha256(request.utf8))]
      .joined(separator: "\n")
    let signature = Hexadecimal.encode(HMAC.sha256(key: signingKey(String(date.prefix(8))), message: toSign.utf8))
    let authorization =
      "AWS4-HMAC-SHA256 Credential=\(keys.accessKey)/\(scope), SignedHeaders=\(canonical.names), Signature=\(signature)"
    return signed.map { HTTPField($0.name, $0.value, isSecret: $0.isSecret || $0.name.hasPrefix("x-amz-")) }
      + [HTTPField("Authorization", authorization, isSecret: true)]
  }

  private func signingKey(_ day: String) -> [UInt8] {
    var key = Array("AWS4\(keys.secretKey)".utf8)
    for part in [day, region, service, "aws4_request"] { key = HMAC.sha256(key: key, message: part.utf8) }
    return key
  }

  private static func canonicalHeaders(_ fields: [HTTPField]) -> (text: String, names: String) {
    var values: [String: [String]] = [:]
    for field in fields { values[field.name.lowercased(), default: []].append(trimmed(field.value)) }
    let names = values.keys.sorted()
    let lines = names.map { "\($0):\((values[$0] ?? []).joined(separator: ","))\n" }
    return (lines.joined(), names.joined(separator: ";"))
  }

  /// Without blanks at the ends, runs of them as one.
  private static func trimmed(_ value: String) -> String {
    value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
  }

  /// Parameters sorted by their encoded names, then values; a name alone gets an empty value.
  private static func canonicalQuery(_ query: String) -> String {
    let pairs = query.split(separator: "&").map { part -> (String, String) in
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = PercentEncoding.decode(halves[0]) ?? String(halves[0])
      let value = halves.count > 1 ? PercentEncoding.decode(halves[1]) ?? String(halves[1]) : ""
      return (PercentEncoding.component(name), PercentEncoding.component(value))
    }
    return pairs.sorted { $0 < $1 }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
  }
}

extension RequestURL {
  /// The Host header as clients send it.
  var authorityWithoutDefaultPort: String {
    guard let port, port != ["https": 443, "http": 80][scheme] else { return host }
    return "\(host):\(port)"
  }
}
