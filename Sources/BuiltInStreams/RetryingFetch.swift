import DatasetModel
import Dispatch
import LinuxSystem
import StreamRegistry
import Transfer

/// Fetches files from any source (built in or a user's own) until they are there and verified, or the attempts are used
/// up: back-off, `Retry-After`, the node's slow-down for hosts that ask for it, resume where the source can.
public final class RetryingFetch: Sendable {
  /// Seconds that a source may outlast an attempt's deadline before its task is cancelled.
  public static let grace = 10.0

  public let statistics: TransferStatistics
  private let throttle: HostThrottle
  private let clock: TransferClock
  private let random: @Sendable () -> Double
  private let observer: @Sendable (RetryNotice) -> Void
  private static let verifying = DispatchQueue(label: "sluice.verify", attributes: .concurrent)

  /// - Parameters:
  ///   - random: uniform in 0..<1, for the jitter of delays.
  ///   - observer: told of every attempt that failed and is followed by another; called from any thread.
  public init(
    statistics: TransferStatistics = TransferStatistics(), throttle: HostThrottle = HostThrottle(),
    clock: TransferClock = .steady, random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
    observer: @escaping @Sendable (RetryNotice) -> Void = { _ in }
  ) {
    self.statistics = statistics
    self.throttle = throttle
    self.clock = clock
    self.random = random
    self.observer = observer
  }

  /// Requests that wait because their host asked for fewer.
  public var waiting: Int { throttle.waiting }

  /// Fetches one file into `staging` and verifies it.
  ///
  /// - Throws: `StreamFetchError` once the attempts are used up or none would help; `CancellationError`.
  public func fetch(
    _ file: FileRecord, of stream: StreamName, from source: any StreamSource, policy: RetryPolicy = RetryPolicy(),
    limits: FetchLimits = FetchLimits(), verification: Verification, into staging: StagingFile
  ) async throws -> FetchReceipt {
    let download = statistics.began(stream: stream, file: file.basename, bytes: file.bytes)
    var isDelivered = false
    defer { statistics.ended(download, delivered: isDelivered) }
    var resume: ResumeOffset?
    let counted = StagingFile(descriptor: staging.descriptor) { [statistics] bytes in
      statistics.moved(download, bytes: bytes)
      staging.progress(bytes)
    }
    let receipt = try await attempts(download, stream, file.basename, source, policy) { error in
      resume = error?.resume
    } body: {
      self.statistics.attempted(download, kept: resume?.bytes ?? 0)
      let request = FileRequest(
        path: file.basename, bytes: file.bytes, resume: resume, limits: limits, digest: verification.digest?.algorithm)
      let receipt = try await self.bounded(limits.deadlineSeconds + Self.grace) {
        try await source.fetch(request, into: counted)
      }
      guard receipt.bytes == file.bytes else {
        throw Corruption("\(receipt.bytes) bytes were delivered, the index says \(file.bytes)", cause: "wrongLength")
      }
      try await Self.verify(staging.descriptor, verification, found: receipt.digest)
      return receipt
    }
    isDelivered = true
    return receipt
  }

  /// Waits as long as before any other attempt, for a caller who found out later that a file is not what it should be.
  ///
  /// - Parameter attempt: the one that comes next, from 2.
  public func pause(before attempt: Int, _ policy: RetryPolicy) async throws {
    // The back-off itself: nothing but time is waited for.
    try await clock.sleep(policy.delay(before: attempt, random: random()))
  }

  /// The stream's manifest, tried as often as `policy` says.
  public func manifest(
    of stream: StreamName, from source: any StreamSource, policy: RetryPolicy = RetryPolicy()
  ) async throws -> ManifestAnswer {
    let download = statistics.began(stream: stream, file: "index.json", bytes: 0)
    var isDelivered = false
    defer { statistics.ended(download, delivered: isDelivered) }
    let answer = try await attempts(download, stream, "index.json", source, policy) { _ in
    } body: {
      self.statistics.attempted(download, kept: 0)
      return try await source.manifest()
    }
    if case .documents(let documents, _) = answer {
      statistics.moved(download, bytes: documents.reduce(0) { $0 + $1.count })
    }
    isDelivered = true
    return answer
  }

  private func attempts<Result>(
    _ download: Int, _ stream: StreamName, _ file: String, _ source: any StreamSource, _ policy: RetryPolicy,
    keep: (StreamSourceError?) -> Void, body: () async throws -> Result
  ) async throws -> Result {
    let host = Self.host(of: source.location)
    var state = RetryState(policy)
    while true {
      try await throttle.enter(host: host)
      let failure: StreamSourceError
      let means: RetryState.Failure
      do {
        let result = try await body()
        throttle.leave(host: host, succeeded: true)
        return result
      } catch {
        let judged = Self.judge(error, of: "\(source.location)/\(file)")
        throttle.leave(
          host: host, succeeded: false, slowDown: judged.failure?.slowDown ?? false,
          retryAfter: judged.failure?.retryAfterSeconds)
        guard let known = judged.failure, !Task.isCancelled else { throw CancellationError() }
        (failure, means) = (known, judged.means)
      }
      let decision = state.failed(means, retryAfter: failure.retryAfterSeconds, random: random())
      let error = StreamFetchError(
        stream: stream, file: file, location: source.location, attempts: state.attempts, last: failure,
        isCorrupt: means == .corrupt)
      guard case .again(let seconds, let keepsBytes) = decision else {
        statistics.failed(download, cause: failure.cause, isRetried: false)
        throw error
      }
      statistics.failed(download, cause: failure.cause, isRetried: true)
      observer(RetryNotice(error: error, seconds: seconds))
      keep(keepsBytes ? failure : nil)
      // The back-off itself: nothing but time is waited for.
      if seconds > 0 { try await clock.sleep(seconds) }
    }
  }

  /// What an error means; nil for a cancellation.
  private static func judge(
    _ error: any Error, of name: String
  ) -> (failure: StreamSourceError?, means: RetryState.Failure) {
    switch error {
    case is CancellationError: return (nil, .permanent)
    case let error as Corruption:
      return (StreamSourceError(.transient, "\(name) is not the file: \(error.message)", cause: error.cause), .corrupt)
    case let error as StreamSourceError:
      if error.slowDown { return (error, .throttled) }
      switch error.code {
      case .transient, .local: return (error, .transient)
      case .restart: return (error, .restart)
      case .notFound, .refused, .permanent: return (error, .permanent)
      }
    default: return (StreamSourceError(.transient, "\(error)", cause: "source"), .transient)
    }
  }

  /// Runs a source's work and cancels it when it outlasts its deadline by far.
  private func bounded(
    _ seconds: Double, _ body: @escaping @Sendable () async throws -> FetchReceipt
  ) async throws -> FetchReceipt {
    try await withThrowingTaskGroup(of: FetchReceipt.self) { group in
      group.addTask { try await body() }
      group.addTask { [clock] in
        // A deadline; cancelled as soon as the source is done.
        try await clock.sleep(seconds)
        throw StreamSourceError(.transient, "the source was not done after \(Int(seconds)) s", cause: "deadline")
      }
      defer { group.cancelAll() }
      guard let first = try await group.next() else { throw CancellationError() }
      return first
    }
  }

  private static func verify(_ file: OwnedDescriptor, _ verification: Verification, found: String?) async throws {
    let failure = await withCheckedContinuation { continuation in
      verifying.async {
        do throws(VerificationError) {
          try verification.check(file, found: found)
          continuation.resume(returning: VerificationError?.none)
        } catch { continuation.resume(returning: error) }
      }
    }
    switch failure {
    case nil: return
    case .differs: throw Corruption("\(failure.map { "\($0)" } ?? "")", cause: "digest")
    case .short: throw Corruption("\(failure.map { "\($0)" } ?? "")", cause: "truncated")
    case .missing(let algorithm, _):
      throw StreamSourceError(.permanent, "the index has no \(algorithm) digest", cause: "digest")
    case .unreadable(let error): throw StreamSourceError(.local, "\(error)", cause: "disk")
    case .unusable(let reason): throw StreamSourceError(.permanent, reason, cause: "digest")
    }
  }

  /// The host that a location names, so that all streams on it slow down together.
  static func host(of location: String) -> String {
    let url = RemoteURL(location)
    return url.host.isEmpty ? location : "\(url.scheme ?? "")://\(url.host)"
  }
}

/// What arrived is not the file.
private struct Corruption: Error {
  let message: String
  let cause: String

  init(_ message: String, cause: String) {
    self.message = message
    self.cause = cause
  }
}
