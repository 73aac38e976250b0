import Dispatch
import LinuxSystem
import Transfer

/// The measuring program behind `scripts/bench transfer`, and the fetcher of the tests.
///
///     TransferBench --fetcher
///     TransferBench URL DIRECTORY FILES BYTES FETCHERS IN_FLIGHT
///
/// Fetches URL/0 … URL/FILES-1 of BYTES each into DIRECTORY and prints the seconds, and the peak memory in KiB of this
/// process and of its fetchers.
@main
struct TransferBench {
  static func main() async throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.first == FetcherProcess.argument { ProcessSettings.exitNow(FetcherProcess.run()) }
    guard arguments.count == 6, let url = RequestURL(arguments[0]), let files = Int(arguments[2]),
      let bytes = Int(arguments[3]), let fetchers = Int(arguments[4]), let inFlight = Int(arguments[5])
    else {
      StandardError.write(line: "usage: TransferBench URL DIRECTORY FILES BYTES FETCHERS IN_FLIGHT")
      ProcessSettings.exitNow(64)
    }
    let pool = FetcherPool(configuration: FetcherPool.Configuration(fetchers: fetchers))
    let clock = ContinuousClock()
    let began = clock.now
    let directory = try Directory.making(path: arguments[1])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<files {
        if index >= inFlight { try await group.next() }
        group.addTask {
          let file = try directory.openOrCreate("\(index)")
          let request = TransferRequest(url: url.appending("\(index)"), extent: .whole(bytes))
          _ = try await pool.perform(request, into: file, progress: { _ in })
        }
      }
      try await group.waitForAll()
    }
    let seconds = clock.now - began
    let children = pool.snapshot.processIDs.map { "/proc/\($0)/status" }
    let peaks = try (["/proc/self/status"] + children).map { try peak($0) }
    // Waited for, so that their CPU time counts as ours.
    pool.close()
    // The pool has no event for it, and nothing is measured any more.
    while pool.snapshot.processIDs.count > 0 { try await Task.sleep(for: .milliseconds(1)) }
    let (whole, attoseconds) = seconds.components
    print(Double(whole) + Double(attoseconds) / 1e18, peaks[0], peaks.dropFirst().reduce(0, +))
  }

  /// The largest resident size so far, in KiB, from a status file of /proc.
  private static func peak(_ path: String) throws -> Int {
    let bytes = try OwnedDescriptor.openingToRead(path).read(count: 8192, at: 0)
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("VmHWM:") {
      return Int(line.split(whereSeparator: { $0 == " " || $0 == "\t" })[1]) ?? 0
    }
    return 0
  }
}
