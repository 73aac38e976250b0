import DatasetModel
import ShardCache

extension ShardService {
  /// Tells health how the cache's disk is.
  ///
  /// A cache that may take the whole disk fills it up to the reserve, which is as it should be; half of the reserve gone
  /// as well is somebody else's doing, and soon no shard can be fetched.
  func checkDisk(_ health: HealthService) async {
    do {
      let disk = try await cache.diskStanding()
      if disk.free < disk.reserve / 2 {
        health.trouble(
          "disk",
          "the disk of \(cache.path) is nearly full: \(ByteCount.describe(disk.free)) free, cache.reserve is "
            + ByteCount.describe(disk.reserve))
      } else if disk.isShort {
        health.trouble("disk", "the disk of \(cache.path) has no room for a shard that is waited for")
      } else {
        health.trouble("disk", nil)
      }
    } catch {
      health.trouble("disk", "the cache's disk cannot be asked: \(error)")
    }
  }
}
