import SystemPackage
import Testing

@testable import LinuxSystem

struct ServiceNotifierTests {
  private func notifier(_ environment: [String: String], process: Int = 7) throws -> ServiceNotifier? {
    try ServiceNotifier(process: process, environment: { environment[$0] })
  }

  @Test("every message is as sd_notify(3) has it")
  func messages() throws {
    let manager = try NotifySocket()
    let notifier = try #require(try notifier(["NOTIFY_SOCKET": "@\(manager.name)"]))
    try notifier.ready(status: "2 datasets")
    #expect(try manager.receive() == "READY=1\nSTATUS=2 datasets")
    try notifier.status("a\nREADY=0\r\nb")
    #expect(try manager.receive() == "STATUS=a READY=0 b")
    try notifier.stopping(status: "bye")
    #expect(try manager.receive() == "STOPPING=1\nSTATUS=bye")
    try notifier.extendTimeout(by: .milliseconds(1500))
    #expect(try manager.receive() == "EXTEND_TIMEOUT_USEC=1500000")
    try notifier.watchdog()
    #expect(try manager.receive() == "WATCHDOG=1")
    try notifier.reloading()
    let text = try manager.receive()
    #expect(text.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") && Int(text.drop { $0 != "C" }.dropFirst(2)) != 0)
  }

  @Test("without a service manager there is nobody to notify; a wrong address is an error")
  func addresses() throws {
    #expect(try notifier([:]) == nil)
    #expect(try notifier(["NOTIFY_SOCKET": ""]) == nil)
    #expect(throws: SystemError.self) { try notifier(["NOTIFY_SOCKET": "vsock:2:1234"]) }
    let gone = try #require(try notifier(["NOTIFY_SOCKET": "/nonexistent/notify"]))
    let error = #expect(throws: SystemError.self) { try gone.watchdog() }
    #expect(error?.errno == .noSuchFileOrDirectory)
  }

  @Test("the watchdog is ours only if it names this process or none")
  func watchdog() throws {
    let socket = ["NOTIFY_SOCKET": "@x"]
    let microseconds = ["WATCHDOG_USEC": "30000000"]
    func interval(_ more: [String: String]) throws -> Duration? {
      try notifier(socket.merging(more) { $1 })?.watchdogInterval
    }
    #expect(try interval([:]) == nil)
    #expect(try interval(microseconds) == .seconds(30))
    #expect(try interval(microseconds.merging(["WATCHDOG_PID": "7"]) { $1 }) == .seconds(30))
    #expect(try interval(microseconds.merging(["WATCHDOG_PID": "8"]) { $1 }) == nil)
    #expect(try interval(["WATCHDOG_USEC": "soon"]) == nil)
  }
}
