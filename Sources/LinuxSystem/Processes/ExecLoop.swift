internal import CExecGuard
import Glibc
import SystemPackage

/// The wait for one command: its output, its log, its end, and whatever may cut it short. Runs on a thread of its own.
struct ExecLoop<Observer: ExecObserver>: ~Copyable {
  private var process: ExecProcess
  private var output: OwnedDescriptor?
  private var log: OwnedDescriptor?
  private let cancellation: OwnedDescriptor
  private var observer: Observer
  private let start = ExecClock.seconds()
  /// Why it is being ended, and since when.
  private var ending: (outcome: ExecOutcome, at: Double)?
  /// What the guard reported.
  private var result: ExecOutcome?
  private var nextCheck = 0.0
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)

  init(
    _ process: consuming ExecProcess, output: OwnedDescriptor?, log: OwnedDescriptor, cancellation: OwnedDescriptor,
    observer: Observer
  ) {
    self.process = process
    self.output = output
    self.log = log
    self.cancellation = cancellation
    self.observer = observer
  }

  deinit { buffer.deallocate() }

  /// Waits until everything is over, and answers; earlier only when the command cannot be ended.
  mutating func run(_ answer: ExecAnswer<Observer>) {
    while result == nil {
      check()
      wait()
      if let ending, result == nil, now - ending.at >= ExecCommand.patience {
        answer.give((ending.outcome, observer))
      }
    }
    // All writers are gone: what is left in the pipes is all there will be.
    while readOutput() {}
    while readLog() {}
    answer.give((ending?.outcome ?? result ?? .lost, observer))
  }

  private var now: Double { ExecClock.seconds() - start }

  private mutating func check() {
    guard ending == nil, now >= nextCheck else { return }
    if let wait = observer.check(secondsSinceStart: now) {
      nextCheck = now + max(0.001, wait)
    } else {
      end(.stopped)
    }
  }

  private mutating func end(_ outcome: ExecOutcome) {
    guard ending == nil else { return }
    ending = (outcome, now)
    output = nil
    process.end()
  }

  /// One wait for anything to happen, and what follows from it.
  private mutating func wait() {
    let wake = ending.map { $0.at + ExecCommand.patience } ?? nextCheck
    let patience = ending.map { now - $0.at >= ExecCommand.patience } ?? false
    let milliseconds = patience ? -1 : Int32(clamping: Int((max(0, wake - now) * 1000).rounded(.up)))
    var waiting = [
      pollfd(fd: process.reports.raw, events: Int16(POLLIN), revents: 0),
      pollfd(fd: output?.raw ?? -1, events: Int16(POLLIN), revents: 0),
      pollfd(fd: log?.raw ?? -1, events: Int16(POLLIN), revents: 0),
      pollfd(fd: ending == nil ? cancellation.raw : -1, events: Int16(POLLIN), revents: 0),
    ]
    guard poll(&waiting, nfds_t(waiting.count), milliseconds) > 0 else { return }
    if waiting[1].revents != 0 { _ = readOutput() }
    if waiting[2].revents != 0 { _ = readLog() }
    if waiting[3].revents != 0 { end(.cancelled) }
    if waiting[0].revents != 0 { takeReport() }
  }

  private mutating func takeReport() {
    do throws(SystemError) {
      switch try process.report() {
      case .started: break
      case .ended(let end): result = .ended(end)
      case .lost: result = .lost
      }
    } catch { result = .notStarted(error) }
  }

  /// Reads what is there of the output; false when there is no more now, or ever.
  private mutating func readOutput() -> Bool {
    guard let descriptor = output?.raw else { return false }
    let count = read(descriptor, buffer.baseAddress, buffer.count)
    guard count > 0 else {
      if count == 0 { output = nil }
      return false
    }
    if !observer.output(UnsafeRawBufferPointer(rebasing: buffer[..<count]), secondsSinceStart: now) {
      end(.stopped)
      return false
    }
    return true
  }

  /// Reads what is there of the log; false when there is no more now, or ever.
  private mutating func readLog() -> Bool {
    guard let descriptor = log?.raw else { return false }
    let count = read(descriptor, buffer.baseAddress, buffer.count)
    guard count > 0 else {
      if count == 0 { log = nil }
      return false
    }
    observer.log(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    return true
  }
}

/// Seconds on a clock that nobody sets.
enum ExecClock {
  static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

extension OwnedDescriptor {
  /// A counter that others can wait for (eventfd).
  static func event() throws(SystemError) -> OwnedDescriptor {
    OwnedDescriptor(adopting: try systemCall("eventfd", "event") { sluice_exec_event() })
  }

  /// Makes an event ready, for good.
  func signalEvent() {
    var one: UInt64 = 1
    _ = Glibc.write(raw, &one, 8)
  }

  /// Has reads answer at once when there is nothing.
  func setNonBlocking() throws(SystemError) {
    try systemCall("fcntl(F_SETFL)", "descriptor \(raw)") { fcntl(raw, F_SETFL, O_NONBLOCK) }
  }

  /// Asks for a pipe of 1 MiB; where the user's share of pipe memory is used up it stays as it is.
  func widenPipe() {
    _ = sluice_exec_widen_pipe(raw, 1 << 20)
  }
}
