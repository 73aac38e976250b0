import Dispatch
import LinuxSystem
import Synchronization

/// Runs a program that prints secrets, within bounds of time and output. What it prints goes nowhere else.
enum CredentialCommand {
  /// Seconds that a command may take.
  static let timeout = 60
  private static let queue = DispatchQueue(label: "sluice.credentials", attributes: .concurrent)

  static func output(of words: [String], seconds: Int = timeout) async -> Result<String, CredentialError> {
    await withCheckedContinuation { continuation in
      queue.async {
        do throws(CredentialError) {
          continuation.resume(returning: .success(try run(words, seconds: seconds)))
        } catch { continuation.resume(returning: .failure(error)) }
      }
    }
  }

  private static func run(_ words: [String], seconds: Int) throws(CredentialError) -> String {
    guard let program = words.first, program.hasPrefix("/") else {
      throw CredentialError("the credential command must begin with a program's absolute path")
    }
    do {
      let output = try OwnedDescriptor.memoryFile("credentials")
      let process = try ChildProcess.start(
        program, arguments: words, environment: environment, descriptors: [1: output])
      let isOver = CommandWatch(process, seconds: seconds)
      let end = try process.wait()
      if isOver.finish() {
        throw CredentialError("the credential command \(program) was not done after \(seconds) s", isTransient: true)
      }
      guard end == .exited(0) else {
        throw CredentialError("the credential command \(program) \(end)", isTransient: true)
      }
      let bytes = try output.read(count: SecretParsing.limit + 1, at: 0)
      guard bytes.count <= SecretParsing.limit, let text = String(validating: bytes, as: UTF8.self) else {
        throw CredentialError(
          "the credential command \(program) prints no text of at most \(SecretParsing.limit) bytes")
      }
      return text
    } catch let error as CredentialError {
      throw error
    } catch {
      throw CredentialError("the credential command \(program) cannot run: \(error)", isTransient: true)
    }
  }

  /// A command may need the daemon's own environment to find its way (HOME, proxies, the cloud's variables).
  private static var environment: [String: String] { EnvironmentVariable.all }
}

/// Ends a process that takes too long.
private final class CommandWatch: Sendable {
  private enum State { case running, finished, ended }
  private let state = Mutex(State.running)

  init(_ process: ChildProcess, seconds: Int) {
    DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds)) { [self] in
      state.withLock { state in
        guard case .running = state else { return }
        state = .ended
        process.end()
      }
    }
  }

  /// The process is over; true when it was ended for its slowness.
  func finish() -> Bool {
    state.withLock { state in
      if case .ended = state { return true }
      state = .finished
      return false
    }
  }
}
