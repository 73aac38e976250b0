import LinuxSystem
import StreamRegistry
import Transfer

/// Reads a stream's `credentials`, which say where its secrets are and never what they are:
///
/// - `anonymous: true`: none, requests go unsigned;
/// - `profile: name`: ~/.aws (s3 only);
/// - `file: /path`: JSON, `name = value` lines, or a token alone;
/// - `systemd: name`: what `LoadCredential=name:…` puts in place;
/// - `command: [program, argument, …]`: prints JSON;
/// - `environment: true`: the environment alone.
///
/// Without any of them: the environment, then the files of the cloud's own tools.
struct CredentialKeys {
  /// Whose secrets, and so under which names.
  enum Kind {
    case s3, gs, azure, hub, web
  }

  private(set) var problems: [ConfigurationProblem] = []
  /// The ~/.aws profile that was named.
  private(set) var profile: String?
  private var source: CredentialSource?
  private let kind: Kind
  private let environment: @Sendable (String) -> String?

  init(
    _ configuration: StreamConfiguration, kind: Kind,
    environment: @escaping @Sendable (String) -> String? = EnvironmentVariable.value
  ) {
    self.kind = kind
    self.environment = environment
    var reader = configuration.credentialsReader()
    var sources: [CredentialSource] = []
    if reader.boolean("anonymous") == true { sources.append(.anonymous) }
    if reader.boolean("environment") == true { sources.append(.environment(Self.variables(kind))) }
    if let path = reader.text("file") {
      if !path.hasPrefix("/") { reader.report("file", "must be an absolute path") }
      sources.append(.file(path))
    }
    if let name = reader.text("systemd") {
      if name.contains("/") { reader.report("systemd", "must be the name that LoadCredential= gives it, not a path") }
      sources.append(.systemd(name))
    }
    let command = reader.texts("command")
    if reader.has("command") {
      if command.first?.hasPrefix("/") != true {
        reader.report("command", "must be a list that begins with a program's absolute path")
      }
      sources.append(.command(command))
    }
    if kind == .s3, let name = reader.text("profile") {
      profile = name
      sources.append(.awsProfile(name))
    }
    if sources.count > 1 {
      reader.absorb([configuration.problem("credentials", "must name one source, not \(sources.count)")])
    }
    source = sources.first
    reader.reportUnknownKeys()
    problems = reader.problems
  }

  /// The store that these keys describe.
  func store() -> CredentialStore {
    if let source {
      return CredentialStore(
        [source], remedy: "no credentials are where \"credentials\" says", environment: environment)
    }
    var sources: [CredentialSource] = [.environment(Self.variables(kind))]
    switch kind {
    case .s3: sources.append(.awsProfile(nil))
    case .hub: sources += [.optionalFile(hubTokenPath), .anonymous]
    case .web: sources = [.anonymous]
    case .gs, .azure: break
    }
    return CredentialStore(sources, remedy: remedy, environment: environment)
  }

  private var hubTokenPath: String {
    if let path = environment("HF_TOKEN_PATH") { return path }
    if let home = environment("HF_HOME") { return "\(home)/token" }
    return "\(environment("HOME") ?? "")/.cache/huggingface/token"
  }

  private var remedy: String {
    let names = Self.variables(kind).values.compactMap(\.first).sorted().joined(separator: ", ")
    let files = kind == .s3 ? ", ~/.aws" : ""
    return "no credentials: there are none in the environment (\(names))\(files); set the stream's \"credentials\", "
      + "with \"anonymous: true\" for a public one"
  }

  static func variables(_ kind: Kind) -> [Secrets.Field: [String]] {
    switch kind {
    case .s3:
      [
        .accessKey: ["AWS_ACCESS_KEY_ID"], .secretKey: ["AWS_SECRET_ACCESS_KEY"], .sessionToken: ["AWS_SESSION_TOKEN"],
      ]
    case .gs: [.accessKey: ["GCS_KEY"], .secretKey: ["GCS_SECRET"], .token: ["GOOGLE_OAUTH_ACCESS_TOKEN"]]
    case .azure:
      [
        .accountName: ["AZURE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"],
        .accountKey: ["AZURE_ACCOUNT_ACCESS_KEY", "AZURE_STORAGE_KEY"],
        .sharedAccessSignature: ["AZURE_STORAGE_SAS_TOKEN"],
      ]
    case .hub: [.token: ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]]
    case .web: [:]
    }
  }
}
