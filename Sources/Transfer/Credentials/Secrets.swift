/// Secrets as they were found: values by what they are, and when they expire. Nothing of it can be printed.
public struct Secrets: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// What a value is, whatever its source calls it.
  public enum Field: String, Sendable, CaseIterable {
    case accessKey, secretKey, sessionToken, token, accountName, accountKey, sharedAccessSignature
  }

  private var values: [Field: String]
  /// Unix time; nil for secrets that do not expire.
  public var expires: Double?

  public init(_ values: [Field: String] = [:], expires: Double? = nil) {
    self.values = values.filter { !$0.value.isEmpty }
    self.expires = expires
  }

  public subscript(field: Field) -> String? { values[field] }

  /// Whether there is nothing in it.
  public var isEmpty: Bool { values.isEmpty }

  /// The keys of an S3-compatible store, if both are there.
  public var accessKeys: AccessKeys? {
    guard let accessKey = values[.accessKey], let secretKey = values[.secretKey] else { return nil }
    return AccessKeys(accessKey: accessKey, secretKey: secretKey, sessionToken: values[.sessionToken])
  }

  public var description: String {
    "secrets (\(values.keys.map(\.rawValue).sorted().joined(separator: ", ")))"
  }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }

  /// The field that a source calls `name`: `AccessKeyId`, `aws_access_key_id`, `AWS_ACCESS_KEY_ID` are one.
  static func field(named name: String) -> Field? {
    var plain = name.lowercased().filter { $0 != "_" && $0 != "-" }
    if plain.hasPrefix("aws") { plain = String(plain.dropFirst(3)) }
    if plain.hasPrefix("azurestorage") { plain = String(plain.dropFirst(12)) }
    if plain.hasPrefix("azure") { plain = String(plain.dropFirst(5)) }
    switch plain {
    case "accesskeyid", "accesskey", "gcskey", "hmackey": return .accessKey
    case "secretaccesskey", "secretkey", "secret", "gcssecret", "hmacsecret": return .secretKey
    case "sessiontoken", "securitytoken": return .sessionToken
    case "token", "accesstoken", "bearertoken", "hftoken": return .token
    case "account", "accountname": return .accountName
    case "accountkey", "accountaccesskey", "key", "sharedkey": return .accountKey
    case "sas", "sastoken", "sharedaccesssignature": return .sharedAccessSignature
    default: return nil
    }
  }

  /// Whether a source's `name` says when the secrets expire.
  static func isExpiry(_ name: String) -> Bool {
    ["expiration", "expires", "expiresat", "expireson", "expiry", "tokenexpiry"].contains(
      name.lowercased().filter { $0 != "_" && $0 != "-" })
  }
}

/// Why no secrets could be had. Never says what was in a file or a command's output.
public struct CredentialError: Error, Sendable, Hashable, CustomStringConvertible {
  public let message: String
  /// Another try may help (a command that failed, a file being replaced).
  public let isTransient: Bool

  public init(_ message: String, isTransient: Bool = false) {
    self.message = message
    self.isTransient = isTransient
  }

  public var description: String { message }
}
