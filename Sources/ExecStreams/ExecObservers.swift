import LinuxSystem
import StreamRegistry
import SystemPackage

/// Why a run was ended before its time.
enum ExecFault: Sendable, Hashable {
  case pace(ExecPace.Fault)
  /// It wrote more than it may.
  case flood
  /// What it wrote could not be kept.
  case disk(SystemError)
}

/// What a run of either request has in common.
protocol ExecWatcher: ExecObserver {
  var pace: ExecPace { get set }
  var lines: ExecLogLines { get set }
  var fault: ExecFault? { get set }
}

extension ExecWatcher {
  mutating func log(_ bytes: UnsafeRawBufferPointer) { lines.add(bytes) }

  mutating func check(secondsSinceStart seconds: Double) -> Double? {
    if let fault = pace.fault(at: seconds) {
      self.fault = .pace(fault)
      return nil
    }
    return pace.patience(at: seconds)
  }
}

/// Writes what a command gives into a staging file, and never more than was asked for.
struct ExecFileWatcher: ExecWatcher {
  let staging: StagingFile
  let expected: Int
  /// The command writes into the file itself, whose length is then looked at.
  let isDirect: Bool
  var pace: ExecPace
  var lines: ExecLogLines
  var fault: ExecFault?

  /// Seconds between two looks at a file that the command writes itself.
  private static let lookSeconds = 1.0

  mutating func output(_ bytes: UnsafeRawBufferPointer, secondsSinceStart seconds: Double) -> Bool {
    let room = expected - pace.bytes
    let kept = UnsafeRawBufferPointer(rebasing: bytes.prefix(room))
    do throws(SystemError) {
      if !kept.isEmpty { try staging.write(kept, at: pace.bytes) }
    } catch {
      fault = .disk(error)
      return false
    }
    pace.add(kept.count, at: seconds)
    if bytes.count > room { fault = .flood }
    return fault == nil
  }

  mutating func check(secondsSinceStart seconds: Double) -> Double? {
    if isDirect { look(at: seconds) }
    if fault != nil { return nil }
    if let fault = pace.fault(at: seconds) {
      self.fault = .pace(fault)
      return nil
    }
    return isDirect ? min(Self.lookSeconds, pace.patience(at: seconds)) : pace.patience(at: seconds)
  }

  /// Takes up how far the command has written into the file.
  mutating func look(at seconds: Double) {
    do throws(SystemError) {
      let size = try staging.descriptor.size()
      let additional = size - pace.bytes
      pace.add(additional, at: seconds)
      if additional > 0 { staging.progress(additional) }
      if size > expected { fault = .flood }
    } catch { fault = .disk(error) }
  }
}

/// Collects an index in memory.
struct ExecIndexWatcher: ExecWatcher {
  let limit: Int
  var bytes: [UInt8] = []
  var pace: ExecPace
  var lines: ExecLogLines
  var fault: ExecFault?

  mutating func output(_ bytes: UnsafeRawBufferPointer, secondsSinceStart seconds: Double) -> Bool {
    guard self.bytes.count + bytes.count <= limit else {
      fault = .flood
      return false
    }
    self.bytes += bytes
    pace.add(bytes.count, at: seconds)
    return true
  }
}
