import Foundation

/// Reads secrets from the forms in which tools write them.
enum SecretParsing {
  /// The longest file or output that is read, in bytes.
  static let limit = 64 << 10

  /// Secrets from JSON, from `name = value` lines (those of `profile`, where there are sections), or from a lone token.
  ///
  /// - Parameter name: where the text is from, for messages.
  static func parse(_ text: String, profile: String? = nil, from name: String) throws(CredentialError) -> Secrets {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !trimmed.isEmpty else { throw CredentialError("\(name) is empty", isTransient: true) }
    if trimmed.hasPrefix("{") { return try json(trimmed, from: name) }
    if trimmed.hasPrefix("[") || trimmed.contains("\n") || trimmed.contains(" = ") {
      let section = sections(trimmed)[profile ?? "default"] ?? sections(trimmed)[""]
      guard let section else { throw CredentialError("\(name) has no profile \"\(profile ?? "default")\"") }
      return fields(section)
    }
    if let equals = trimmed.firstIndex(of: "="), Secrets.field(named: String(trimmed[..<equals])) != nil {
      return fields([String(trimmed[..<equals]): String(trimmed[trimmed.index(after: equals)...])])
    }
    // One word: a token to one kind, a shared access signature to another.
    return Secrets([.token: trimmed, .sharedAccessSignature: trimmed])
  }

  private static func json(_ text: String, from name: String) throws(CredentialError) -> Secrets {
    let object: Any
    do { object = try JSONSerialization.jsonObject(with: Data(text.utf8)) } catch {
      throw CredentialError("\(name) is no JSON", isTransient: true)
    }
    guard let map = object as? [String: Any] else { throw CredentialError("\(name) is no JSON object") }
    if map["type"] as? String == "service_account" {
      throw CredentialError(
        "\(name) is a service account's private key; use HMAC keys, or a command that prints an access token as JSON")
    }
    var texts: [String: String] = [:]
    for (key, value) in map {
      if let text = value as? String {
        texts[key] = text
      } else if let number = value as? NSNumber {
        texts[key] = number.stringValue
      }
    }
    let secrets = fields(texts)
    guard !secrets.isEmpty else {
      throw CredentialError(
        "\(name) has none of the keys access_key_id, secret_access_key, session_token, token, account_key, sas_token")
    }
    return secrets
  }

  /// The `name = value` lines of each section; those before the first under "". `[profile x]` is the same as `[x]`.
  static func sections(_ text: String) -> [String: [String: String]] {
    var sections: [String: [String: String]] = [:]
    var current = ""
    for line in text.split(whereSeparator: \.isNewline) {
      let line = line.trimmingCharacters(in: .whitespaces)
      if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
      if line.hasPrefix("["), line.hasSuffix("]") {
        current = line.dropFirst().dropLast().trimmingCharacters(in: .whitespaces)
        if current.hasPrefix("profile ") { current = current.dropFirst(8).trimmingCharacters(in: .whitespaces) }
        sections[current] = sections[current] ?? [:]
      } else if let equals = line.firstIndex(of: "=") {
        let name = line[..<equals].trimmingCharacters(in: .whitespaces)
        sections[current, default: [:]][name] = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
      }
    }
    return sections
  }

  /// The secrets among `texts`.
  static func fields(_ texts: [String: String]) -> Secrets {
    var values: [Secrets.Field: String] = [:]
    var expires: Double?
    for (name, text) in texts {
      if let field = Secrets.field(named: name) {
        values[field] = text
      } else if Secrets.isExpiry(name) {
        expires = HTTPDate.parseISO(text).map(Double.init) ?? Double(text)
      }
    }
    return Secrets(values, expires: expires)
  }

  /// Words of a command line as the AWS configuration has it: blanks part them, double quotes keep them together.
  static func words(_ line: String) -> [String] {
    var words: [String] = []
    var word: String?
    var isQuoted = false
    for character in line {
      if character == "\"" {
        isQuoted.toggle()
        word = word ?? ""
      } else if character == " ", !isQuoted {
        if let done = word { words.append(done) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    if let word { words.append(word) }
    return words
  }
}
