import Glibc
import Synchronization
import SystemPackage

/// What watches a command while it runs. All calls come from one thread; none may block for long, the disk apart.
public protocol ExecObserver: Sendable {
  /// Bytes that the command wrote to descriptor 3, if that is a pipe. False ends the command.
  mutating func output(_ bytes: UnsafeRawBufferPointer, secondsSinceStart: Double) -> Bool

  /// Bytes that it wrote to its standard output or error.
  mutating func log(_ bytes: UnsafeRawBufferPointer)

  /// Asked at the start and whenever its answer has run out: seconds until it wants to be asked again, or nil to end
  /// the command.
  mutating func check(secondsSinceStart: Double) -> Double?
}

/// What became of a run.
public enum ExecOutcome: Sendable, Hashable {
  /// It ended by itself, and nothing of it is left.
  case ended(ExecEnd)
  /// The observer had it ended.
  case stopped
  /// The task was cancelled.
  case cancelled
  /// It never ran: the program is not there or may not be run, or this machine is short of something.
  case notStarted(SystemError)
  /// Its guard vanished without a word.
  case lost
}

/// Where descriptor 3 of a command leads.
public enum ExecOutput: Sendable {
  /// To the observer, through a pipe.
  case observer
  /// Straight into this file.
  case file(OwnedDescriptor)
}

extension ExecCommand {
  /// Seconds after which a command that was told to end, but hangs in the kernel, is left to its thread.
  static let patience = 10.0

  /// Runs the command and answers when it and everything that descends from it are gone.
  ///
  /// A thread of its own waits meanwhile. Cancelling the task ends the command. Only where its processes hang in the
  /// kernel (a dead network file system) does the answer come before they are gone, after 10 seconds.
  ///
  /// - Parameters:
  ///   - input: what it reads on descriptor 0.
  ///   - output: where its descriptor 3 leads.
  ///   - observer: sees its output and its log, and decides how long it may go on; comes back as it was at the end.
  public func run<Observer: ExecObserver>(
    input: [UInt8], output: ExecOutput, observer: Observer
  ) async -> (outcome: ExecOutcome, observer: Observer) {
    let cancellation: OwnedDescriptor
    do throws(SystemError) {
      cancellation = try OwnedDescriptor.event()
    } catch { return (.notStarted(error), observer) }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let once = ExecAnswer(continuation)
        do throws(SystemError) {
          try SystemThread.start("exec") { [self] in
            runBlocking(input: input, output: output, observer: observer, cancellation: cancellation, once)
          }
        } catch { once.give((.notStarted(error), observer)) }
      }
    } onCancel: {
      cancellation.signalEvent()
    }
  }

  private func runBlocking<Observer: ExecObserver>(
    input: [UInt8], output: ExecOutput, observer: Observer, cancellation: OwnedDescriptor,
    _ answer: ExecAnswer<Observer>
  ) {
    do throws(SystemError) {
      let request = try OwnedDescriptor.memoryFile("sluice-request")
      try request.write(input, at: 0)
      var loop = try start(input: request, output: output, observer: observer, cancellation: cancellation)
      loop.run(answer)
    } catch { answer.give((.notStarted(error), observer)) }
  }

  /// Starts the process. When this returns, nobody but the command holds the writing ends of its pipes.
  private func start<Observer: ExecObserver>(
    input: OwnedDescriptor, output: ExecOutput, observer: Observer, cancellation: OwnedDescriptor
  ) throws(SystemError) -> ExecLoop<Observer> {
    let log = try OwnedDescriptor.pipe()
    try log.reading.setNonBlocking()
    switch output {
    case .file(let file):
      let process = try ExecProcess(self, input: input, log: log.writing, output: file)
      return ExecLoop(process, output: nil, log: log.reading, cancellation: cancellation, observer: observer)
    case .observer:
      let pipe = try OwnedDescriptor.pipe()
      try pipe.reading.setNonBlocking()
      pipe.reading.widenPipe()
      let process = try ExecProcess(self, input: input, log: log.writing, output: pipe.writing)
      return ExecLoop(process, output: pipe.reading, log: log.reading, cancellation: cancellation, observer: observer)
    }
  }
}

/// Gives a run's answer to whoever waits for it, the first time only.
final class ExecAnswer<Observer: ExecObserver>: Sendable {
  private let continuation: Mutex<CheckedContinuation<(outcome: ExecOutcome, observer: Observer), Never>?>

  init(_ continuation: CheckedContinuation<(outcome: ExecOutcome, observer: Observer), Never>) {
    self.continuation = Mutex(continuation)
  }

  func give(_ answer: (outcome: ExecOutcome, observer: Observer)) {
    let waiting = continuation.withLock { continuation in
      defer { continuation = nil }
      return continuation
    }
    waiting?.resume(returning: answer)
  }
}
