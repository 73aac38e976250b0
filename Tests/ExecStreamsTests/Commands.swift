import DatasetModel
import LinuxSystem
import StreamRegistry
import Synchronization
import SystemPackage

@testable import ExecStreams

/// Lines that commands printed, as a list and as they come.
final class Lines: Sendable {
  private let lines = Mutex<[String]>([])
  private let coming: AsyncStream<String>
  private let continuation: AsyncStream<String>.Continuation

  init() { (coming, continuation) = AsyncStream<String>.makeStream() }

  var all: [String] { lines.withLock { $0 } }

  func add(_ line: String) {
    lines.withLock { $0.append(line) }
    continuation.yield(line)
  }

  /// Waits until so many lines have come.
  func wait(for count: Int) async {
    for await _ in coming where all.count >= count { return }
  }
}

/// A stream whose command is a shell script, with `mode` and whatever else in its environment.
struct Shell {
  let stream: ExecStream
  let lines = Lines()

  /// - Parameter with: further keys of `with`.
  init(_ script: String, with keys: [(String, ConfigurationValue.Content)] = []) throws {
    let command = ["/bin/sh", "-c", script].map { ConfigurationValue(.text($0)) }
    try self.init(keys: [("command", .list(command))] + keys)
  }

  init(keys: [(String, ConfigurationValue.Content)], name: StreamName = "s") throws {
    var configuration = StreamConfiguration(name: name, kind: "exec")
    configuration.with = ConfigurationValue(
      .map(ConfigurationMap(keys.map { ConfigurationMap.Entry(key: $0, value: ConfigurationValue($1)) })))
    let lines = lines
    stream = try ExecStream(configuration) { _, line in lines.add(line) }
  }

  /// Fetches `bytes` bytes of a file that is called `x`; answers what is then in the staging file.
  func fetch(_ bytes: Int, limits: FetchLimits = Shell.patient) async throws -> [UInt8] {
    let staging = StagingFile(descriptor: try .memoryFile("staging"))
    let receipt = try await stream.fetch(FileRequest(path: "x", bytes: bytes, limits: limits), into: staging)
    let size = try staging.descriptor.size()
    guard receipt.bytes == size else { throw Mismatch(receipt: receipt.bytes, size: size) }
    return try staging.descriptor.read(count: size, at: 0)
  }

  struct Mismatch: Error {
    let receipt: Int
    let size: Int
  }

  /// The error of a fetch that must fail, and how long its staging file became.
  func failure(
    _ bytes: Int = 10, limits: FetchLimits = Shell.patient
  ) async throws -> (error: StreamSourceError, written: Int) {
    let staging = StagingFile(descriptor: try .memoryFile("staging"))
    do {
      let receipt = try await stream.fetch(FileRequest(path: "x", bytes: bytes, limits: limits), into: staging)
      throw Mismatch(receipt: receipt.bytes, size: -1)
    } catch let error as StreamSourceError {
      return (error, try staging.descriptor.size())
    }
  }

  static var patient: FetchLimits {
    var limits = FetchLimits()
    limits.idleSeconds = 60
    limits.minimumBytesPerSecond = 0
    limits.deadlineSeconds = 60
    return limits
  }
}

/// Whether a process of that number is there and not a zombie.
func isAlive(_ process: Int) throws -> Bool {
  let text: [UInt8]
  do throws(SystemError) {
    text = try OwnedDescriptor.openingToRead("/proc/\(process)/stat").read(count: 512, at: 0)
  } catch {
    if error.errno == .noSuchFileOrDirectory || error.errno == .noSuchProcess { return false }
    throw error
  }
  let stat = String(decoding: text, as: UTF8.self)
  guard let name = stat.lastIndex(of: ")") else { return true }
  return stat[name...].dropFirst(2).first.map { $0 != "Z" && $0 != "X" } ?? true
}

/// Numbers in lines of the form `name number`.
func numbers(_ lines: [String], _ name: String) -> [Int] {
  lines.compactMap { line in
    let words = line.split(separator: " ")
    return words.count == 2 && words[0] == name ? Int(words[1]) : nil
  }
}
