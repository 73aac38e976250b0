import DaemonConfiguration
import LinuxSystem
import Logging
import Planning
import SystemPackage

/// Plans on disk, so that a restart maps a file rather than planning again. What cannot be kept is only planned anew.
struct PlanStore: Sendable {
  let directory: String
  /// Most bytes of all plans together; the least recently used leave first.
  var limit: Int { live.value.plans.limit }
  let live: LiveConfiguration
  let logger: Logger

  /// Takes away writes that an earlier daemon's end interrupted. Only at the start, before anything is kept.
  func sweep() {
    do throws(SystemError) {
      try KeptFiles.makeDirectory(directory)
      for entry in try DirectoryEntries.of(directory) where KeptFiles.isPartial(entry.name) {
        try KeptFiles.remove("\(directory)/\(entry.name)")
      }
    } catch {
      note("leftovers of kept plans cannot be removed", directory, error)
    }
  }

  /// The kept plan for `key`, mapped; nil when there is none or it cannot be trusted.
  func load(_ key: PlanIdentity) -> EpochPlan? {
    let path = "\(directory)/\(key.fileName)"
    let file: MappedFile
    do throws(SystemError) {
      file = try MappedFile(path)
    } catch {
      if error.errno != .noSuchFileOrDirectory { note("a kept plan cannot be opened", path, error) }
      return nil
    }
    do {
      let plan = try PlanFile.open(MappedPlan(file: file), expecting: key).plan
      touch(path)
      return plan
    } catch {
      note("a kept plan is not used and will be planned anew", path, error)
      return nil
    }
  }

  /// Keeps `plan`, and lets the least recently used go.
  func keep(_ plan: EpochPlan, for key: PlanIdentity) {
    let size = PlanFile.size(of: plan, key.fingerprint)
    let path = "\(directory)/\(key.fileName)"
    guard size <= limit else {
      logger.notice(
        "plan is larger than plans.limit and is not kept", metadata: ["bytes": "\(size)", "limit": "\(limit)"])
      return
    }
    do throws(SystemError) {
      try KeptFiles.makeDirectory(directory)
      try makeRoom(for: size)
      try KeptFiles.replace(path) { (write) throws(SystemError) in
        try PlanFile.write(plan, key.fingerprint, emit: write)
      }
    } catch {
      note("plan cannot be kept", path, error)
    }
  }

  private func makeRoom(for size: Int) throws(SystemError) {
    var kept: [(path: String, state: FileState)] = []
    for entry in try DirectoryEntries.of(directory) where !entry.isDirectory {
      let path = "\(directory)/\(entry.name)"
      guard entry.name.hasSuffix(".plan"), !KeptFiles.isPartial(entry.name) else { continue }
      kept.append((path, try OwnedDescriptor.openingToRead(path).state()))
    }
    kept.sort { $0.state.modifiedNanoseconds < $1.state.modifiedNanoseconds }
    var total = kept.reduce(size) { $0 + $1.state.bytes }
    for (path, state) in kept where total > limit {
      try KeptFiles.remove(path)
      total -= state.bytes
    }
  }

  private func touch(_ path: String) {
    do { try KeptFiles.touch(path) } catch { note("a kept plan's time of use cannot be set", path, error) }
  }

  private func note(_ what: Logger.Message, _ path: String, _ error: any Error) {
    logger.warning(what, metadata: ["file": "\(path)", "error": "\(error)"])
  }
}

/// A mapped file as Planning reads it.
private struct MappedPlan: PlanBytes {
  let file: MappedFile
  var count: Int { file.count }
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { file.withBytes(body) }
}
