import LinuxSystem
import Logging
import Planning
import SystemPackage

/// Plans on disk, so that a restart maps a file rather than planning again. What cannot be kept is only planned anew.
struct PlanStore: Sendable {
  static let suffix = ".plan"

  let kept: KeptDirectory
  let logger: Logger

  private var directory: String { kept.path }

  init(kept: KeptDirectory, logger: Logger) {
    self.kept = kept
    self.logger = logger
    do { try kept.sweep() } catch { note("leftovers of kept plans cannot be removed", kept.path, error) }
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
    let path = "\(directory)/\(key.fileName)"
    do {
      try kept.makeRoom(for: PlanFile.size(of: plan, key.fingerprint))
      try KeptFiles.replace(path) { (write) throws(SystemError) in
        try PlanFile.write(plan, key.fingerprint, emit: write)
      }
    } catch let refusal as KeptDirectory.Refusal {
      logger.notice("plan is not kept", metadata: ["file": "\(path)", "reason": "\(refusal)"])
    } catch {
      note("plan cannot be kept", path, error)
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
