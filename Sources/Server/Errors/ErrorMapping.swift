import BuiltInStreams
import DaemonConfiguration
import LinuxSystem
import Planning
import ShardCache
import ShardFormats
import StreamRegistry
import WireProtocol

/// Every error that can reach a client, as the protocol's codes tell it. The one place that decides.
enum ErrorMapping {
  static func reply(for error: any Error) -> ErrorReply {
    switch error {
    case let error as ServerError: error.reply
    case let error as ErrorReply: error
    case let error as PlanningError: ErrorReply(.planRefused, message: "\(error)")
    case let error as ConfigurationError: ErrorReply(.badSpecification, message: "\(error)")
    case let error as CacheError: reply(error)
    case let error as SampleTableFailure<SystemError>: reply(for: cause(error))
    case let error as ShardError: ErrorReply(.shardCorrupt, message: "\(error)")
    case let error as IndexError: ErrorReply(.streamUnavailable, message: "\(error)")
    case let error as StreamSourceError: ErrorReply(code(error), retry: retry(error), message: "\(error)")
    case let error as SystemError: reply(error)
    case is CancellationError:
      ErrorReply(.draining, retry: .afterReconnect, message: "the daemon is stopping; connect again")
    default: ErrorReply(.internal, message: "a defect of the daemon, please report it: \(error)")
    }
  }

  /// What is wrong with a shard's table, or why it could not be read.
  private static func cause(_ error: SampleTableFailure<SystemError>) -> any Error {
    switch error {
    case .shard(let error): error
    case .io(let error): error
    }
  }

  private static func code(_ error: StreamSourceError) -> ErrorCode {
    error.code == .local ? .noSpace : .shardUnavailable
  }

  private static func retry(_ error: StreamSourceError) -> RetryAdvice {
    switch error.code {
    case .transient, .restart, .local:
      .after(milliseconds: UInt32(clamping: Int((error.retryAfterSeconds ?? 5) * 1000)))
    case .notFound, .refused, .permanent: .never
    }
  }

  private static func reply(_ error: CacheError) -> ErrorReply {
    let (code, retry): (ErrorCode, RetryAdvice) =
      switch error.code {
      case .limitTooSmall: (.cacheTooSmall, .never)
      case .noSpace: (.noSpace, .after(milliseconds: 10_000))
      case .deadline: (.deadline, .after(milliseconds: 1_000))
      case .unavailable: (.shardUnavailable, retryAdvice(of: error.cause))
      case .corrupt: (.shardCorrupt, .never)
      case .configuration: (.badSpecification, .never)
      case .locked, .directory: (.internal, .after(milliseconds: 10_000))
      case .closed: (.draining, .afterReconnect)
      }
    return ErrorReply(code, retry: retry, message: "\(error)")
  }

  /// Whether what kept a shard away can pass.
  private static func retryAdvice(of cause: (any Error)?) -> RetryAdvice {
    switch cause {
    case let error as StreamFetchError: retry(error.last)
    case let error as StreamSourceError: retry(error)
    default: .after(milliseconds: 5_000)
    }
  }

  private static func reply(_ error: SystemError) -> ErrorReply {
    if error.isNoSpace {
      return ErrorReply(.noSpace, retry: .after(milliseconds: 10_000), message: "the disk is full: \(error)")
    }
    if error.isOutOfDescriptors {
      return ErrorReply(
        .tooMuch, retry: .after(milliseconds: 1_000),
        message: "the daemon has no descriptors left (raise LimitNOFILE): \(error)")
    }
    return ErrorReply(.internal, message: "\(error)")
  }
}
