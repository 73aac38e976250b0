import Foundation
import Glibc
import SystemPackage
import Testing

@testable import LinuxSystem

@Suite final class DirectoryTests {
  private let path: String

  init() throws {
    path = "\(NSTemporaryDirectory())/sluice-directory-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path)") }
  }

  @Test func makesAllParentsForItsOwnerOnly() throws {
    let made = try Directory.making(path: "\(path)/a/b/c")
    let file = try made.create("x")
    try file.write(Array("hello".utf8), at: 0)
    #expect(try Directory.making(path: "\(path)/a/b/c").entries().map(\.name) == ["x"])
    for name in ["a", "a/b", "a/b/c"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
    }
  }

  @Test func namesWhatItFinds() throws {
    let home = try Directory(path: path)
    _ = try home.makeDirectory("d")
    _ = try home.create("f")
    try FileManager.default.createSymbolicLink(atPath: "\(path)/l", withDestinationPath: "f")
    let entries = try home.entries()
    #expect(entries.map(\.name) == ["d", "f", "l"])
    #expect(entries.map(\.kind) == [.directory, .file, .other])
    #expect(try home.status(of: "f")?.bytes == 0)
    #expect(try home.status(of: "nothing") == nil)
  }

  @Test func followsNoLinks() throws {
    let home = try Directory(path: path)
    try FileManager.default.createSymbolicLink(atPath: "\(path)/file", withDestinationPath: "/etc/hostname")
    try FileManager.default.createSymbolicLink(atPath: "\(path)/dir", withDestinationPath: "/etc")
    #expect(throws: SystemError.self) { _ = try home.open("file") }
    #expect(throws: SystemError.self) { _ = try home.openOrCreate("file") }
    #expect(throws: SystemError.self) { _ = try home.directory("dir") }
  }

  /// Links as they may lie in a user's directory: what each leads to, and whether it is followed.
  private static let links: [(name: String, target: String, isFollowed: Bool)] = [
    ("inside", "real", true), ("twice", "inside", true), ("sub/up", "../real", true), ("outside", "../secret", false),
    ("far", "sub/../../secret", false), ("absolute", "/etc/hostname", false), ("circle", "circle", false),
    ("dangling", "nothing", false), ("magic", "/proc/self/exe", false), ("door", "sub", false),
  ]

  private static func openBeneath(_ home: Directory, _ name: String) throws -> OwnedDescriptor {
    try home.openBeneath(name)
  }

  /// As `openBeneath` opens on a kernel without openat2.
  private static func openWithoutLinks(_ home: Directory, _ name: String) throws -> OwnedDescriptor {
    try home.descriptorWithoutLinks(name, O_RDONLY | O_NONBLOCK).requiringRegular(home.child(name))
  }

  private static let waysToOpen = [openBeneath, openWithoutLinks]

  @Test func followsOnlyLinksThatStayInside() throws {
    let home = try Directory(path: path).makeDirectory("stream")
    try Directory(path: path).create("secret").write(Array("s".utf8), at: 0)
    try home.create("real").write(Array("r".utf8), at: 0)
    try home.makeDirectory("sub").create("real").write(Array("d".utf8), at: 0)
    for link in Self.links {
      try FileManager.default.createSymbolicLink(
        atPath: "\(path)/stream/\(link.name)", withDestinationPath: link.target)
    }
    for link in Self.links {
      if link.isFollowed {
        #expect(try home.openBeneath(link.name).read(count: 9, at: 0) == Array("r".utf8))
      } else {
        #expect(throws: SystemError.self, "\(link.name)") { _ = try home.openBeneath(link.name) }
      }
      // Where the kernel does not help, none is followed at all.
      #expect(throws: SystemError.self, "\(link.name)") { _ = try Self.openWithoutLinks(home, link.name) }
    }
    let error = #expect(throws: SystemError.self) { _ = try home.openBeneath("outside") }
    #expect(error?.isNoPlainFile == true)
    #expect(error?.description == "openat2 \(path)/stream/outside: a symbolic link leads out of \(path)/stream")
    for open in Self.waysToOpen {
      #expect(try open(home, "sub/real").read(count: 9, at: 0) == Array("d".utf8))
      for name in ["../secret", "sub/../../secret", "/etc/hostname", "sub", "nothing", "sub/nothing", "real/x"] {
        #expect(throws: SystemError.self, "\(name)") { _ = try open(home, name) }
      }
    }
    // A directory that is a link: followed while it stays inside, and the door to nothing else.
    #expect(try home.openBeneath("door/real").read(count: 9, at: 0) == Array("d".utf8))
    try FileManager.default.createSymbolicLink(atPath: "\(path)/stream/exit", withDestinationPath: "..")
    #expect(throws: SystemError.self) { _ = try home.openBeneath("exit/secret") }
    #expect(throws: SystemError.self) { _ = try home.directoryBeneath("exit") }
    #expect(throws: SystemError.self) { _ = try Self.openWithoutLinks(home, "door/real") }
    #expect(try home.directoryBeneath("door").entries().map(\.name) == ["real", "up"])
    #expect(throws: SystemError.self) { _ = try home.directoryBeneath("real") }
    // The directory itself may be reached through a link.
    try FileManager.default.createSymbolicLink(atPath: "\(path)/stream2", withDestinationPath: "stream")
    #expect(try Directory(path: "\(path)/stream2").openBeneath("inside").read(count: 9, at: 0) == Array("r".utf8))
  }

  @Test(.timeLimit(.minutes(1))) func opensFilesOnly() throws {
    let home = try Directory(path: path)
    try systemCall("mkfifo", path) { mkfifo("\(path)/pipe", 0o600) }
    for open in Self.waysToOpen {
      let error = #expect(throws: SystemError.self) { _ = try open(home, "pipe") }
      #expect(error?.description.hasSuffix("pipe: not a regular file") == true)
    }
  }

  @Test func movesWithoutReplacing() throws {
    let home = try Directory(path: path)
    let other = try home.makeDirectory("other")
    try home.create("one").write([1], at: 0)
    try other.create("taken").write([2], at: 0)
    let error = #expect(throws: SystemError.self) { try home.move("one", to: other, as: "taken") }
    #expect(error?.isExisting == true)
    #expect(try other.open("taken").read(count: 9, at: 0) == [2])
    try home.move("one", to: other, as: "free")
    #expect(try other.entries().map(\.name) == ["free", "taken"])
    // An empty directory is not replaced by another, as rename(2) would.
    _ = try home.makeDirectory("x")
    _ = try home.makeDirectory("y")
    #expect(throws: SystemError.self) { try home.move("x", to: home, as: "y") }
    try other.replace(with: "free", in: other, as: "taken")
    #expect(try other.open("taken").read(count: 9, at: 0) == [1])
    #expect(throws: SystemError.self) { try home.removeDirectory("other") }
    try other.unlink("taken")
    try home.removeDirectory("other")
  }

  @Test func takesRoomWithoutChangingTheLength() throws {
    let home = try Directory(path: path)
    let file = try home.create("f")
    try file.allocate(bytes: 1 << 20)
    #expect(try file.size() == 0)
    try file.write([7], at: 10)
    #expect(try file.size() == 11)
    try file.sync()
    #expect(try home.freeSpace().available > 0)
    #expect(try home.freeSpace().total >= home.freeSpace().available)
  }

  @Test func aLockNamesItsOwnerAndEndsWithIt() throws {
    let home = try Directory(path: path)
    do {
      let lock = try DirectoryLock(home)
      let failure = #expect(throws: DirectoryLock.Failure.self) { _ = try DirectoryLock(home) }
      #expect(
        "\(failure.map { "\($0)" } ?? "")"
          == "\(path) is in use by process \(ProcessInfo.processInfo.processIdentifier)")
      _ = lock
    }
    let again = try DirectoryLock(home)
    again.release()
    _ = try DirectoryLock(home)
  }
}
