internal import CLinux
import Glibc
import SystemPackage

/// Opening what lies in a directory that is not ours: a user's, by names that come from an index.
extension Directory {
  /// How often a name is looked up anew when directories are renamed meanwhile.
  private static let lookups = 16

  /// Opens the regular file at `path`, which may lie in directories below this one, for reading.
  ///
  /// Symbolic links are followed as long as every step stays below this directory; one that leads out, or is absolute,
  /// is refused (EXDEV), wherever in the path it is. So are directories, devices, sockets and pipes (EISDIR, ENODEV).
  public func openBeneath(_ path: String) throws(SystemError) -> OwnedDescriptor {
    // A pipe is opened without waiting for its other end, and refused.
    try descriptorBeneath(path, O_RDONLY | O_NOCTTY | O_NONBLOCK).requiringRegular(child(path))
  }

  /// Opens the directory at `path`, any number of levels below this one; links as for `openBeneath`.
  public func directoryBeneath(_ path: String) throws(SystemError) -> Directory {
    Directory(path: child(path), handle: try descriptorBeneath(path, O_RDONLY | O_DIRECTORY))
  }

  private func descriptorBeneath(_ path: String, _ flags: CInt) throws(SystemError) -> OwnedDescriptor {
    do throws(SystemError) {
      return try resolve(path, flags)
    } catch {
      switch error.errno {
      // A kernel before 5.6, or a sandbox that does not know the call.
      case .noFunction, .notPermitted: return try descriptorWithoutLinks(path, flags)
      case .improperLink:
        throw SystemError(error.call, child(path), error.errno, reason: "a symbolic link leads out of \(self.path)")
      default: throw error
      }
    }
  }

  private func resolve(_ path: String, _ flags: CInt) throws(SystemError) -> OwnedDescriptor {
    var left = Self.lookups
    while true {
      do throws(SystemError) {
        return OwnedDescriptor(
          adopting: try systemCall("openat2", child(path)) {
            sluice_open_beneath(handle.raw, path, UInt64(flags | O_CLOEXEC))
          })
      } catch {
        left -= 1
        guard error.errno == .resourceTemporarilyUnavailable, left > 0 else { throw error }
      }
    }
  }

  /// The same where links cannot be resolved safely: none is followed.
  func descriptorWithoutLinks(_ path: String, _ flags: CInt) throws(SystemError) -> OwnedDescriptor {
    let subject = child(path)
    var parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), let name = parts.popLast() else {
      throw SystemError("openat", subject, .improperLink, reason: "not a path below \(self.path)")
    }
    do throws(SystemError) {
      var home = handle
      for part in parts { home = try home.openWithoutLink(part, O_RDONLY | O_DIRECTORY, subject) }
      return try home.openWithoutLink(name, flags, subject)
    } catch {
      guard error.errno == .tooManySymbolicLinkLevels || error.errno == .notDirectory else { throw error }
      throw SystemError(
        error.call, subject, error.errno,
        reason: "a part of it is a symbolic link, which this system cannot follow safely, or is no directory")
    }
  }
}

extension OwnedDescriptor {
  fileprivate func openWithoutLink(
    _ name: String, _ flags: CInt, _ subject: String
  ) throws(SystemError) -> OwnedDescriptor {
    OwnedDescriptor(
      adopting: try systemCall("openat", subject) { openat(raw, name, flags | O_NOFOLLOW | O_CLOEXEC) })
  }

  /// This file, if it is one.
  func requiringRegular(_ subject: String) throws(SystemError) -> OwnedDescriptor {
    switch try status().kind {
    case .file: return self
    case .directory: throw SystemError("open", subject, .isDirectory, reason: "a directory, not a file")
    case .other: throw SystemError("open", subject, .operationNotSupportedByDevice, reason: "not a regular file")
    }
  }
}
