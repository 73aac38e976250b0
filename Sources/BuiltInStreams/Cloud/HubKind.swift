import LinuxSystem
import StreamRegistry
import Transfer

/// Kind `hf`: `hf://datasets/organisation/name[@revision]/path` on the Hugging Face Hub.
///
/// Keys under `with`: `revision` (a branch, tag or commit; `main` by default; the one in the path goes first), `endpoint`
/// (HF_ENDPOINT, or https://huggingface.co).
enum HubKind {
  static func make(
    _ configuration: StreamConfiguration, transport: any Transport, spool: IndexSpool,
    environment: @escaping @Sendable (String) -> String? = EnvironmentVariable.value
  ) throws -> any StreamSource {
    var reader = configuration.withReader()
    let ranges = RangeAdvisor.read(&reader)
    let credentials = CredentialKeys(configuration, kind: .hub, environment: environment)
    let text = configuration.remote ?? ""
    var parts = text.dropFirst("hf://".count).split(separator: "/", omittingEmptySubsequences: true).map(String.init)
    if !text.lowercased().hasPrefix("hf://") || parts.count < 3 || parts[0] != "datasets" {
      reader.absorb([configuration.problem("remote", "must be hf://datasets/organisation/name/path")])
      parts = ["datasets", "", ""]
    }
    let revision = reader.text("revision", default: "main")
    let named = parts[2].split(separator: "@", maxSplits: 1).map(String.init)
    let endpoint = S3Kind.endpoint(reader.text("endpoint") ?? environment("HF_ENDPOINT"), configuration, &reader)
    reader.absorb(credentials.problems)
    try reader.finish()
    let service = HubService(
      repository: "\(parts[1])/\(named.first ?? "")", revision: named.count > 1 ? named[1] : revision,
      path: (parts.dropFirst(3) + (configuration.split.map { [$0] } ?? [])).joined(separator: "/"),
      endpoint: endpoint ?? RequestURL(scheme: "https", host: "huggingface.co"),
      allowsPlainHTTP: configuration.allowHTTP, store: credentials.store())
    return RemoteSource(
      service: service, transport: transport, subdirectories: configuration.subdirectories,
      limits: configuration.fetchLimits, ranges: ranges,
      spool: spool)
  }
}

/// A dataset repository of the Hub. Files come through a redirect to another host, which gets no token.
struct HubService: RemoteService {
  let repository: String
  let revision: String
  let path: String
  let endpoint: RequestURL
  let allowsPlainHTTP: Bool
  let store: CredentialStore

  var location: String {
    "hf://datasets/\(repository)\(revision == "main" ? "" : "@\(revision)")" + (path.isEmpty ? "" : "/\(path)")
  }

  func target(for path: String, extent: Extent) async throws -> RemoteTarget {
    let full = self.path.isEmpty ? path : "\(self.path)/\(path)"
    var url = endpoint.appending("datasets/\(repository)/resolve")
    url.path += "/\(PercentEncoding.component(revision))"
    url = url.appending(full)
    guard let token = try await store.forStream()[.token] else { return RemoteTarget(url: url) }
    return RemoteTarget(url: url, headers: [HTTPField("Authorization", "Bearer \(token)", isSecret: true)])
  }

  func recover(from refusal: TransferFailure) -> Bool { refusal.code == .refused && store.refused() }
}
