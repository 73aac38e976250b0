import DatasetModel
import StreamRegistry

/// Where shards are kept, and how much of the disk they may take.
public struct CacheConfiguration: Sendable, Hashable {
  /// Directory that belongs to the daemon alone.
  public var directory = "/var/cache/sluice"
  /// Most bytes that shards may take, staged and unlinked ones counted; nil for as much as the disk has.
  public var limit: Int?
  /// Bytes of the file system that the cache leaves free, whatever its limit.
  public var reserve = 1 << 30
  /// Most bytes that are fetched ahead of one session and not yet used; nil for as much as the limit holds.
  public var prefetchLimit: Int?
  /// Whether digests of adopted shards are checked in the background after a start; their sizes always are.
  public var verifyOnStart = false

  public init() {}

  static func read(_ reader: inout ConfigurationReader) -> CacheConfiguration {
    var cache = CacheConfiguration()
    reader.require("directory", "the directory that shards are kept in, the daemon's alone (/var/cache/sluice)")
    cache.directory = reader.absolutePath("directory") ?? cache.directory
    if cache.directory == "/" { reader.report("directory", "cannot be the root of the file system") }
    reader.require("limit", "the most that shards may take (100gb); 0 for as much as the disk has")
    let limit = reader.bytes("limit", default: 0)
    cache.limit = limit == 0 ? nil : limit
    cache.reserve = reader.bytes("reserve", default: cache.reserve)
    let ahead = reader.bytes("prefetch_limit", default: 0)
    cache.prefetchLimit = ahead == 0 ? nil : ahead
    cache.verifyOnStart = reader.boolean("verify_on_start", default: cache.verifyOnStart)
    return cache
  }
}

/// Epoch plans kept on disk, so that a restart finds them.
public struct PlansConfiguration: Sendable, Hashable {
  /// Directory of the plans; nil for one beside the cache's shards.
  public var directory: String?
  /// Most bytes that plans may take on disk.
  public var limit = 8 << 30

  public init() {}

  static func read(_ reader: inout ConfigurationReader) -> PlansConfiguration {
    var plans = PlansConfiguration()
    plans.directory = reader.absolutePath("directory")
    plans.limit = reader.bytes("limit", default: plans.limit)
    return plans
  }
}
