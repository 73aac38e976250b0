import LinuxSystem

/// A running fetcher process and the daemon's end of its socket.
struct FetcherLink: Sendable {
  let process: ChildProcess
  let socket: MessageSocket

  /// Starts a process. Its parent, to the kernel, is the calling thread, which has to live as long.
  static func start(_ command: FetcherCommand) throws(SystemError) -> FetcherLink {
    let (ours, theirs) = try MessageSocket.pair()
    let process = try ChildProcess.start(
      command.executable, arguments: [command.executable] + command.arguments, environment: command.environment,
      descriptors: [FetcherProcess.descriptor: theirs.descriptor])
    return FetcherLink(process: process, socket: ours)
  }

  /// Hands every report on until the process ends or talks nonsense; says why it is over.
  func supervise(_ handle: (FetcherReport) throws(MalformedMessage) -> Void) -> String {
    var isNonsense = false
    var failure: SystemError?
    do throws(SystemError) {
      while let message = try socket.receive(limit: FetcherProtocol.messageLimit) {
        do throws(MalformedMessage) {
          try handle(try FetcherReport(decoding: message.bytes))
        } catch {
          isNonsense = true
          break
        }
      }
    } catch  where error.isDisconnect {
    } catch { failure = error }
    process.end()
    let end: String
    do throws(SystemError) { end = "\(try process.wait())" } catch { end = "cannot be waited for (\(error))" }
    if isNonsense { return "answered nonsense" }
    if let failure { return "cannot be heard: \(failure)" }
    return end
  }
}
