import Dispatch
import LinuxSystem
import Synchronization

/// A fetcher process's whole life: orders in, reports out, downloads through `URLSession` in between.
///
/// It keeps no cache state and no credentials beyond the requests under way, and ends with the daemon: the kernel ends
/// it when the daemon's supervising thread is gone, and a closed socket ends it otherwise.
public enum FetcherProcess {
  /// The argument that makes a daemon's executable a fetcher.
  public static let argument = "--fetcher"
  /// The number under which a fetcher finds its socket.
  public static let descriptor: Int32 = 3
  /// Descriptors that must be free before a request is begun: URLSession stops the process when it runs out.
  static let descriptorReserve = 24
  /// The most descriptors of a fetcher; few, because looking for free ones near the limit fills the kernel's table.
  static let descriptorLimit = 1024
  private static let reportInterval = DispatchTimeInterval.milliseconds(100)

  /// Runs until the daemon is gone; the value is the process's exit status.
  public static func run(descriptor: Int32 = FetcherProcess.descriptor) -> Int32 {
    ProcessSettings.ignoreStopSignals()
    settle()
    do {
      try ProcessSettings.dieWithParent()
      // The memory holds signed requests: no core files.
      try ProcessSettings.limitResources(descriptors: descriptorLimit)
      let socket = MessageSocket(OwnedDescriptor(adopting: descriptor))
      guard let first = try socket.receive(limit: FetcherProtocol.messageLimit) else { return 0 }
      guard case .begin(let connections) = try FetcherOrder(decoding: first.bytes) else { throw MalformedMessage() }
      let desk = FetcherDesk(socket: socket, connectionsPerHost: connections)
      try desk.report(.ready(version: FetcherProtocol.version))
      desk.reportProgress(every: reportInterval)
      while let message = try desk.socket.receive(limit: FetcherProtocol.messageLimit) {
        try desk.follow(try FetcherOrder(decoding: message.bytes), file: message.descriptor)
      }
      return 0
    } catch let error as SystemError where error.isDisconnect {
      return 0
    } catch {
      StandardError.write(line: "fetcher: \(error)")
      return 1
    }
  }

  /// URLSession makes a timer anew for every few kilobytes that arrive, and each one wakes libdispatch's manager thread,
  /// which would push the session's own thread off its core to take that one timer. In batches it waits, and takes all
  /// that have gathered (figures: Tests/Benchmarks/transfer.md). Before any other thread is made: they inherit it.
  private static func settle() {
    do throws(SystemError) { try ProcessSettings.workInBatches() } catch {
      // A sandbox may forbid it. Downloads are slower then, and right all the same.
    }
  }
}

/// The requests of one fetcher process.
private final class FetcherDesk: Sendable {
  let socket: MessageSocket
  private let transport: SessionTransport
  private let tasks = Mutex<[Int: Task<Void, Never>]>([:])
  private let progress = Mutex<[Int: Int]>([:])
  private let clock = DispatchQueue(label: "sluice.fetcher.report")

  init(socket: MessageSocket, connectionsPerHost: Int) {
    self.socket = socket
    transport = SessionTransport(connectionsPerHost: connectionsPerHost)
  }

  func report(_ report: FetcherReport) throws(SystemError) { try socket.send(report.encoded()) }

  /// Reports what was written, or at least that this process lives, for ever.
  func reportProgress(every interval: DispatchTimeInterval) {
    clock.asyncAfter(deadline: .now() + interval) { [self] in
      flushProgress(evenIfEmpty: true)
      reportProgress(every: interval)
    }
  }

  func follow(_ order: FetcherOrder, file: OwnedDescriptor?) throws(MalformedMessage) {
    switch order {
    case .begin: throw MalformedMessage()
    case .cancel(let id): tasks.withLock { $0[id] }?.cancel()
    case .start(let id, let request):
      guard let file, ProcessSettings.hasDescriptors(FetcherProcess.descriptorReserve) else {
        conclude(id, .failure(TransferFailure(.local, .descriptors, "a fetcher has no descriptors left")))
        return
      }
      // Held while the task is made, so that its end cannot come before its registration.
      tasks.withLock { tasks in
        tasks[id] = Task { [self] in
          let result: Result<TransferReceipt, TransferFailure>
          do throws(TransferFailure) {
            result = .success(
              try await transport.perform(request, into: file) { [self] count in
                progress.withLock { $0[id, default: 0] += count }
              })
          } catch { result = .failure(error) }
          conclude(id, result)
        }
      }
    }
  }

  private func conclude(_ id: Int, _ result: Result<TransferReceipt, TransferFailure>) {
    _ = tasks.withLock { $0.removeValue(forKey: id) }
    flushProgress(evenIfEmpty: false)
    do throws(SystemError) {
      switch result {
      case .success(let receipt): try report(.received(id: id, receipt))
      case .failure(let failure): try report(.failed(id: id, failure))
      }
    } catch {
      ProcessSettings.exitNow(error.isDisconnect ? 0 : 1)  // Nobody is left to work for.
    }
  }

  private func flushProgress(evenIfEmpty: Bool) {
    let list = progress.withLock { progress in
      let list = progress.map { FetcherReport.Progress(id: $0.key, bytes: $0.value) }
      progress.removeAll(keepingCapacity: true)
      return list
    }
    guard evenIfEmpty || !list.isEmpty else { return }
    do throws(SystemError) {
      try report(.progress(list))
    } catch {
      ProcessSettings.exitNow(error.isDisconnect ? 0 : 1)
    }
  }
}
