import Foundation
import LinuxSystem
import Testing

@testable import Server

/// What the daemon keeps beside the shards: within a bound, and nobody else's files.
@Suite struct KeptDirectoryTests {
  private final class Place: Sendable {
    let path = "\(NSTemporaryDirectory())/sluice-kept-\(UUID().uuidString)"
    deinit { do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path)") } }

    func write(_ name: String, _ bytes: Int) throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try Data(count: bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    var names: [String] {
      get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }
  }

  private let place = Place()

  private func kept(limit: Int, reserve: Int = 0) -> KeptDirectory {
    KeptDirectory(path: place.path, suffix: ".plan") { (limit: limit, reserve: reserve) }
  }

  private func name(_ digit: Character) -> String { "\(String(repeating: digit, count: 64))-e0.plan" }

  @Test func theLeastRecentlyUsedLeaveFirst() throws {
    let kept = kept(limit: 1000)
    #expect(try kept.bytes() == 0)
    for digit in "abc" {
      try kept.makeRoom(for: 300)
      try place.write(name(digit), 300)
    }
    // Times of files are as coarse as the kernel's tick: say them.
    for (digit, seconds) in zip("abc", [20.0, 10, 30]) {
      let attributes: [FileAttributeKey: Any] = [.modificationDate: Date(timeIntervalSince1970: 1e9 + seconds)]
      try FileManager.default.setAttributes(attributes, ofItemAtPath: "\(place.path)/\(name(digit))")
    }
    try kept.makeRoom(for: 400)
    #expect(try place.names == [name("a"), name("c")])
    #expect(try kept.bytes() == 600)
    #expect(throws: KeptDirectory.Refusal.self) { try kept.makeRoom(for: 1001) }
  }

  @Test func aSmallerLimitIsKeptWithoutAnythingNewToKeep() throws {
    try kept(limit: 0).shrink()  // Nothing is kept yet, not even a directory.
    for digit in "ab" { try place.write(name(digit), 300) }
    let earlier: [FileAttributeKey: Any] = [.modificationDate: Date(timeIntervalSince1970: 1e9)]
    try FileManager.default.setAttributes(earlier, ofItemAtPath: "\(place.path)/\(name("b"))")
    try kept(limit: 600).shrink()
    #expect(try place.names == [name("a"), name("b")])
    try kept(limit: 599).shrink()
    #expect(try place.names == [name("a")])
    try kept(limit: 0).shrink()
    #expect(try kept(limit: 0).bytes() == 0)
  }

  @Test func strangersFilesAreNeitherCountedNorRemoved() throws {
    let kept = kept(limit: 100)
    let strangers = ["my.plan", "0123.plan", "\(String(repeating: "g", count: 64)).plan", ".partial-note", "notes"]
    for stranger in strangers { try place.write(stranger, 5000) }
    let directory = name("d")
    try FileManager.default.createDirectory(atPath: "\(place.path)/\(directory)", withIntermediateDirectories: true)
    try place.write(".partial-77-\(name("e"))", 40)
    try place.write(name("f"), 90)
    try kept.sweep()
    #expect(try place.names == (strangers + [directory, name("f")]).sorted(), "only our own interrupted write went")
    try kept.makeRoom(for: 50)
    #expect(try place.names == (strangers + [directory]).sorted())
    #expect(try kept.bytes() == 0)
  }

  @Test func theDisksReserveIsKept() throws {
    let error = #expect(throws: KeptDirectory.Refusal.self) { try kept(limit: 100, reserve: 1 << 60).makeRoom(for: 50) }
    #expect(error.map { "\($0)" }?.contains("to stay free") == true)
  }
}
