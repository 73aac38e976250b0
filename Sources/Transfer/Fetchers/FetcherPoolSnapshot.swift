/// A fetcher pool at one moment.
public struct FetcherPoolSnapshot: Sendable, Hashable {
  /// Requests that wait for a fetcher.
  public let waiting: Int
  /// Requests on a fetcher.
  public let running: Int
  public let processIDs: [Int32]
  /// Processes that have ended since the start, for whatever reason.
  public let ended: Int
}
