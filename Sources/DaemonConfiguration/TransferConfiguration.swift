import StreamRegistry

/// How shards are fetched, for every stream alike; a stream's own keys say how often and how long.
public struct TransferConfiguration: Sendable, Hashable {
  /// Fetcher processes; nil for a number that suits the cores.
  public var fetchers: Int?
  /// Most connections to one host from one fetcher.
  public var connectionsPerHost = 4
  /// Most downloads under way at once, over all streams; nil for a number that suits the fetchers.
  public var downloads: Int?
  /// Least mean bytes per second of a download; slower ones are given up and tried again. 0 for none.
  public var minimumRate = 1024
  /// Seconds that one attempt may take in all.
  public var deadlineSeconds = 3600.0
  /// Seconds before the second attempt; doubled before each further one, with jitter.
  public var retrySeconds = 1.0
  /// Most seconds between two attempts.
  public var retryMaximumSeconds = 60.0

  public init() {}

  static func read(_ reader: inout ConfigurationReader) -> TransferConfiguration {
    var transfer = TransferConfiguration()
    transfer.fetchers = reader.integer("fetchers", in: 1...64)
    transfer.connectionsPerHost = reader.integer("connections_per_host", in: 1...64, default: 4)
    transfer.downloads = reader.integer("downloads", in: 1...1024)
    transfer.minimumRate = reader.bytes("minimum_rate", default: transfer.minimumRate)
    transfer.deadlineSeconds = reader.seconds("deadline_seconds", default: transfer.deadlineSeconds)
    transfer.retrySeconds = reader.seconds("retry_seconds", default: transfer.retrySeconds)
    transfer.retryMaximumSeconds = reader.seconds("retry_maximum_seconds", default: transfer.retryMaximumSeconds)
    if transfer.retryMaximumSeconds < transfer.retrySeconds {
      reader.report(
        "retry_maximum_seconds", "is less than retry_seconds (\(transfer.retrySeconds)); give it at least that")
    }
    return transfer
  }
}
