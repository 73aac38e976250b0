import Glibc
import SystemPackage

/// Users and groups of this machine by name.
public enum Accounts {
  /// Room for one entry's text; the kernel's and the C library's own limits are below it.
  private static let entryBytes = 1 << 20

  /// The group's id; nil if there is none of that name. A number stands for itself.
  public static func group(named name: String) throws(SystemError) -> UInt32? {
    if let number = UInt32(name) { return number }
    var entry = Glibc.group()
    var found: UnsafeMutablePointer<Glibc.group>?
    let code = withScratch { getgrnam_r(name, &entry, $0, $1, &found) }
    guard code == 0 || code == ENOENT else { throw SystemError("getgrnam_r", name, Errno(rawValue: code)) }
    return found == nil ? nil : entry.gr_gid
  }

  /// The user's id; nil if there is none of that name. A number stands for itself.
  public static func user(named name: String) throws(SystemError) -> UInt32? {
    if let number = UInt32(name) { return number }
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    let code = withScratch { getpwnam_r(name, &entry, $0, $1, &found) }
    guard code == 0 || code == ENOENT else { throw SystemError("getpwnam_r", name, Errno(rawValue: code)) }
    return found == nil ? nil : entry.pw_uid
  }

  private static func withScratch(_ body: (UnsafeMutablePointer<CChar>, Int) -> CInt) -> CInt {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: entryBytes) { scratch in
      guard let base = scratch.baseAddress else { return ENOMEM }
      return body(base, scratch.count)
    }
  }
}
