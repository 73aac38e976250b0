import Glibc
import SystemPackage

/// The right to be the only process that works in a directory: held as long as this object lives, and by the kernel
/// given back when the process dies, however it dies.
public final class DirectoryLock: Sendable {
  /// Why the lock could not be had.
  public enum Failure: Error, Sendable, CustomStringConvertible {
    /// Another process has it; its id, if it could be read.
    case held(path: String, process: Int?)
    case system(SystemError)

    public var description: String {
      switch self {
      case .held(let path, let process?): "\(path) is in use by process \(process)"
      case .held(let path, nil): "\(path) is in use by another process"
      case .system(let error): error.description
      }
    }
  }

  private let file: OwnedDescriptor

  /// Takes the lock, a file `name` in `directory` that holds the owner's process id, or fails at once.
  public init(_ directory: Directory, name: String = "lock") throws(Failure) {
    do throws(SystemError) { file = try directory.openOrCreate(name) } catch { throw .system(error) }
    do throws(SystemError) {
      try systemCall("flock", directory.child(name)) { [file] in flock(file.raw, LOCK_EX | LOCK_NB) }
    } catch {
      guard error.errno == .wouldBlock else { throw .system(error) }
      throw .held(path: directory.path, process: DirectoryLock.owner(file))
    }
    do throws(SystemError) { try DirectoryLock.write(processID: getpid(), to: file) } catch { throw .system(error) }
  }

  /// Gives the lock back before this object goes; a second time does nothing.
  public func release() {
    _ = flock(file.raw, LOCK_UN)
  }

  private static func owner(_ file: OwnedDescriptor) -> Int? {
    do throws(SystemError) {
      let text = String(decoding: try file.read(count: 20, at: 0), as: UTF8.self)
      return Int(text.prefix { $0.isASCII && $0.isNumber })
    } catch {
      return nil  // The lock's failure is what the caller must hear of; the number only adds to it.
    }
  }

  private static func write(processID: pid_t, to file: OwnedDescriptor) throws(SystemError) {
    try file.truncate(to: 0)
    try file.write(Array("\(processID)\n".utf8), at: 0)
  }
}

extension OwnedDescriptor {
  /// Writes all of `bytes` at byte `offset`.
  public func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
    var failure: SystemError?
    bytes.withUnsafeBytes { buffer in
      do throws(SystemError) { try write(buffer, at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
