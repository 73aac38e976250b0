import DatasetModel
import LinuxSystem
import Synchronization

extension ShardCache {
  /// What a check of adopted copies found.
  public struct CheckReport: Sendable, Hashable {
    public internal(set) var checked = 0
    /// Moved to quarantine.
    public internal(set) var damaged = 0
    /// Left the cache before their turn, or have no digest in the index.
    public internal(set) var skipped = 0
  }

  /// Reads every copy that was found at the start and checks its digest, one after another and only while the pool has
  /// nothing better to do. Damaged ones go to quarantine. Ends early when its task is cancelled.
  public func checkAdopted() async -> CheckReport {
    var report = CheckReport()
    while !Task.isCancelled {
      let next = state.withLock { state -> (GrantedCopy, ShardRecord)?? in
        guard let (copy, record) = state.unchecked.popLast() else { return nil }
        guard !state.isClosed, state.ledger.copies[copy]?.phase == .committed else { return .some(nil) }
        return (state.ledger.lease(copy), record)
      }
      guard let next else { break }
      guard let (copy, record) = next, record.files.contains(where: { !$0.hash.isEmpty }) else {
        if let (copy, _) = next { giveBack(copy.copy) }
        report.skipped += 1
        continue
      }
      do throws(FileCheck.Mismatch) {
        try await pool.run(.background) { [files] () throws(FileCheck.Mismatch) in
          try files.check(copy.place, record)
        }
        report.checked += 1
      } catch {
        report.damaged += 1
        distrust(copy, error)
      }
      giveBack(copy.copy)
    }
    return report
  }
}

extension CacheFiles {
  /// Checks the files of a committed copy against its record.
  func check(_ place: CopyPlace, _ record: ShardRecord) throws(FileCheck.Mismatch) {
    for file in record.files {
      let descriptor: OwnedDescriptor
      do throws(SystemError) {
        descriptor = try layout.shards.directory(place.stream).directory(place.name).open(file.name)
      } catch { throw .system(error) }
      let expected = FileRecord(basename: "\(record.name) (\(file.name))", bytes: file.bytes, hashes: file.hash)
      try FileCheck(expected, validateHash: nil).check(descriptor)
      // The pages are not wanted by anybody; leave the memory to those that are.
      descriptor.forgetPages()
    }
  }
}
