import LinuxSystem
import Synchronization

/// A stream's secrets: asked for once, kept until shortly before they expire, asked for again when a remote refuses them.
/// Many tasks may ask at once; one of them does the work.
public final class CredentialStore: Sendable {
  /// Seconds before their expiry at which secrets are replaced.
  static let renewalSeconds = 300.0
  /// Seconds within which refused secrets are not asked for again: the refusal is not about their age.
  static let refusalSeconds = 30.0

  private struct State {
    var secrets: Secrets?
    var generation = 0
    var loadedAt = -Double.infinity
    var loading: Task<Result<Secrets, CredentialError>, Never>?
  }

  private let sources: [CredentialSource]
  private let remedy: String
  private let now: @Sendable () -> Double
  private let environment: @Sendable (String) -> String?
  private let state = Mutex(State())

  /// - Parameters:
  ///   - sources: asked in order; the first that has secrets gives them.
  ///   - remedy: what to do when none has, for the error.
  ///   - now: Unix time.
  public init(
    _ sources: [CredentialSource], remedy: String,
    now: @escaping @Sendable () -> Double = { WallClock.seconds() },
    environment: @escaping @Sendable (String) -> String? = EnvironmentVariable.value
  ) {
    self.sources = sources
    self.remedy = remedy
    self.now = now
    self.environment = environment
  }

  /// The secrets in force.
  public func secrets() async throws(CredentialError) -> Secrets {
    let time = now()
    let (kept, task) = state.withLock { state -> (Secrets?, Task<Result<Secrets, CredentialError>, Never>?) in
      if let secrets = state.secrets, (secrets.expires ?? .infinity) - Self.renewalSeconds > time {
        return (secrets, nil)
      }
      if let loading = state.loading { return (nil, loading) }
      let task = Task { [self] in await load() }
      state.loading = task
      return (nil, task)
    }
    if let kept { return kept }
    guard let task else { throw CredentialError(remedy) }
    return try await task.value.get()
  }

  /// A remote refused the secrets: forgets them, unless they are brand new. True when the next ones may serve better.
  public func refused() -> Bool {
    if sources == [.anonymous] { return false }
    let time = now()
    return state.withLock { state in
      guard time - state.loadedAt >= Self.refusalSeconds else { return false }
      state.secrets = nil
      return true
    }
  }

  private func load() async -> Result<Secrets, CredentialError> {
    let result = await find()
    state.withLock { state in
      state.loading = nil
      if case .success(let secrets) = result {
        state.secrets = secrets
        state.loadedAt = now()
      }
    }
    return result
  }

  private func find() async -> Result<Secrets, CredentialError> {
    do throws(CredentialError) {
      for source in sources {
        if let secrets = try await source.load(environment: environment) {
          if let expires = secrets.expires, expires <= now() {
            return .failure(CredentialError("the credentials found have expired already", isTransient: true))
          }
          return .success(secrets)
        }
      }
      return .failure(CredentialError(remedy))
    } catch { return .failure(error) }
  }
}
