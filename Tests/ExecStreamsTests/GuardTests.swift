import CExecGuard
import LinuxSystem
import Synchronization
import SystemPackage
import Testing

@testable import LinuxSystem

/// The daemon dies: the kernel tells the guard when the thread that started it ends, as it does for a whole process.
@Suite struct GuardTests {
  @Test(arguments: ["sleep 600", "setsid sleep 600 & sleep 600", "trap '' TERM HUP; sleep 600; sleep 600"])
  func commandsEndWithWhoStartedThem(script: String) async throws {
    let (reading, writing) = try OwnedDescriptor.pipe()
    let (logReading, logWriting) = try OwnedDescriptor.pipe()
    let null = try OwnedDescriptor.openingToRead("/dev/null")
    let guardID = Mutex<Int32>(0)
    try BlockingThread.start("starter") {
      let started = Self.start("echo self $$; " + script, null, logWriting, writing)
      guardID.withLock { $0 = started }
      // The thread waits for the command's first line, and ends without a word to the guard.
      _ = Self.read(logReading, 1)
    }
    // The report comes although nobody asked for an end: the wait for it is this test's only clock.
    let report = await withCheckedContinuation { (continuation: CheckedContinuation<[UInt8], Never>) in
      do {
        try BlockingThread.start("waiter") {
          // The first record says that the command was started.
          _ = Self.read(reading, 8)
          continuation.resume(returning: Self.read(reading, 8))
        }
      } catch { continuation.resume(returning: []) }
    }
    #expect(report.count == 8)
    #expect(report.first == UInt8(SLUICE_EXEC_ENDED.rawValue))
    // Wait status of a command that was killed: the number of the signal.
    #expect(report.count == 8 && report[4] == 9)
    _ = guardID.withLock { ExecProcess.reap($0) }
  }

  /// What comes next through a pipe, at most `count` bytes; nothing when it cannot be read.
  private static func read(_ pipe: OwnedDescriptor, _ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    do {
      let found = try bytes.withUnsafeMutableBytes { try pipe.descriptor.read(into: $0) }
      return Array(bytes.prefix(found))
    } catch { return [] }
  }

  private static func start(
    _ script: String, _ null: OwnedDescriptor, _ log: OwnedDescriptor, _ report: OwnedDescriptor
  ) -> Int32 {
    let arguments = CTexts(["sh", "-c", script])
    let environment = CTexts(["PATH=/usr/bin:/bin"])
    return "/bin/sh".withCString { shell in
      "/".withCString { root in
        arguments.pointers.withUnsafeBufferPointer { arguments in
          environment.pointers.withUnsafeBufferPointer { environment in
            var request = sluice_exec_request()
            request.executable = shell
            request.directory = root
            request.arguments = arguments.baseAddress
            request.environment = environment.baseAddress
            (request.input, request.log, request.output, request.report) = (null.raw, log.raw, null.raw, report.raw)
            return sluice_exec_start(&request)
          }
        }
      }
    }
  }
}
