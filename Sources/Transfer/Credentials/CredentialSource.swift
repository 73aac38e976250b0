import LinuxSystem

/// Where a stream's secrets come from.
public enum CredentialSource: Sendable, Hashable {
  /// None: requests go unsigned.
  case anonymous
  /// Environment variables, by what they are.
  case environment([Secrets.Field: [String]])
  /// A file of JSON, of `name = value` lines, or with a token alone.
  case file(String)
  /// A file under $CREDENTIALS_DIRECTORY, where systemd puts what `LoadCredential=` names.
  case systemd(String)
  /// A program and its arguments, which prints JSON.
  case command([String])
  /// ~/.aws/credentials and ~/.aws/config: a profile's keys, or what its `credential_process` prints.
  case awsProfile(String?)
  /// A token file of a tool, which need not be there.
  case optionalFile(String)

  /// The secrets; nil when this source has none to give, which is no error.
  ///
  /// - Parameter environment: looks a variable up.
  func load(
    environment: @escaping @Sendable (String) -> String? = EnvironmentVariable.value
  ) async throws(CredentialError) -> Secrets? {
    switch self {
    case .anonymous: return Secrets()
    case .environment(let names):
      var values: [Secrets.Field: String] = [:]
      for (field, candidates) in names {
        values[field] = candidates.lazy.compactMap(environment).first { !$0.isEmpty }
      }
      let secrets = Secrets(values)
      return secrets.isEmpty ? nil : secrets
    case .file(let path): return try SecretParsing.parse(try Self.read(path), from: path)
    case .optionalFile(let path):
      guard let text = try Self.readIfThere(path) else { return nil }
      return try SecretParsing.parse(text, from: path)
    case .systemd(let name):
      guard let directory = environment("CREDENTIALS_DIRECTORY") else {
        throw CredentialError(
          "there is no CREDENTIALS_DIRECTORY: the unit needs LoadCredential=\(name):… to give the daemon \"\(name)\"")
      }
      let path = "\(directory)/\(name)"
      return try SecretParsing.parse(try Self.read(path), from: "systemd credential \(name)")
    case .command(let words): return try await Self.run(words)
    case .awsProfile(let profile): return try await AWSFiles(environment: environment).secrets(profile)
    }
  }

  static func run(_ words: [String]) async throws(CredentialError) -> Secrets {
    let name = "the credential command \(words.first ?? "")"
    let result = await CredentialCommand.output(of: words)
    return try SecretParsing.parse(try result.get(), from: name)
  }

  private static func read(_ path: String) throws(CredentialError) -> String {
    guard let text = try readIfThere(path) else { throw CredentialError("\(path) is not there", isTransient: true) }
    return text
  }

  static func readIfThere(_ path: String) throws(CredentialError) -> String? {
    do {
      let file = try OwnedDescriptor.openingToRead(path)
      let bytes = try file.read(count: SecretParsing.limit + 1, at: 0)
      guard bytes.count <= SecretParsing.limit else {
        throw CredentialError("\(path) is longer than \(SecretParsing.limit) bytes")
      }
      guard let text = String(validating: bytes, as: UTF8.self) else { throw CredentialError("\(path) is no text") }
      return text
    } catch let error as CredentialError {
      throw error
    } catch let error as SystemError {
      if error.isMissing { return nil }
      throw CredentialError("\(error)", isTransient: true)
    } catch {
      throw CredentialError("\(path) cannot be read")
    }
  }
}

/// What Amazon's tools keep in ~/.aws.
public struct AWSFiles: Sendable {
  private let environment: @Sendable (String) -> String?

  public init(environment: @escaping @Sendable (String) -> String? = EnvironmentVariable.value) {
    self.environment = environment
  }

  private func path(_ variable: String, _ name: String) -> String? {
    environment(variable) ?? environment("HOME").map { "\($0)/.aws/\(name)" }
  }

  private func profileName(_ profile: String?) -> String { profile ?? environment("AWS_PROFILE") ?? "default" }

  /// Both files' lines of a profile; the credentials file has the last word.
  private func lines(_ profile: String?) throws(CredentialError) -> [String: String]? {
    var lines: [String: String]?
    for (variable, name) in [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")] {
      guard let path = path(variable, name), let text = try CredentialSource.readIfThere(path),
        let section = SecretParsing.sections(text)[profileName(profile)]
      else { continue }
      lines = (lines ?? [:]).merging(section) { $1 }
    }
    return lines
  }

  /// The profile's keys; nil when there is no such profile and none was asked for.
  func secrets(_ profile: String?) async throws(CredentialError) -> Secrets? {
    guard let lines = try lines(profile) else {
      if profile == nil { return nil }
      throw CredentialError("there is no profile \"\(profileName(profile))\" in ~/.aws/credentials or ~/.aws/config")
    }
    let secrets = SecretParsing.fields(lines)
    if secrets.accessKeys != nil { return secrets }
    if let command = lines["credential_process"] {
      return try await CredentialSource.run(SecretParsing.words(command))
    }
    if profile == nil { return nil }
    throw CredentialError("the profile \"\(profileName(profile))\" has neither keys nor a credential_process")
  }

  /// The profile's region, if the files name one.
  public func region(_ profile: String?) -> String? {
    do throws(CredentialError) { return try lines(profile)?["region"] } catch { return nil }
  }
}
