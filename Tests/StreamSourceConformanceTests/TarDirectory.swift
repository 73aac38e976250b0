import LinuxSystem
import Synchronization
import SystemPackage

/// Lines that commands printed.
final class Lines: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  func add(_ line: String) { lines.withLock { $0.append(line) } }
}

/// A directory of tar files with known samples, removed with the object.
final class TarDirectory: Sendable {
  struct Sample: Sendable {
    let key: [UInt8]
    let txt: [UInt8]
    let bin: [UInt8]
  }

  /// Samples by the shard that they should come out in.
  static let samples: [String: [Sample]] = [
    "a/part-0.mds": (0..<20).map { sample("k\($0)", $0 * 37) },
    "a/part-1.mds": [sample("deep/er/é", 5), sample("empty", 0)],
    "b.mds": (0..<3).map { sample("big\($0)", 200_000 + $0) },
  ]

  private static func sample(_ key: String, _ size: Int) -> Sample {
    Sample(
      key: Array(key.utf8), txt: Array("text of \(key)".utf8),
      bin: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) })
  }

  let path: String

  /// The example under `config/`.
  static var example: String {
    FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
      .appending("config/examples/tar_stream.py").string
  }

  init() throws {
    path = "/tmp/sluice-tars-\(UInt64.random(in: 0...UInt64.max))"
    let root = try Directory.making(path: path)
    let below = try root.makeDirectory("a")
    for (shard, samples) in Self.samples {
      var archive: [UInt8] = []
      for sample in samples {
        let name = String(decoding: sample.key, as: UTF8.self)
        archive += Self.member("\(name).txt", sample.txt) + Self.member("\(name).other", [1, 2, 3])
        archive += Self.member("\(name).bin", sample.bin)
      }
      archive += [UInt8](repeating: 0, count: 1024)
      let name = shard.dropLast(".mds".count) + ".tar"
      let file = try name.hasPrefix("a/") ? below.create(String(name.dropFirst(2))) : root.create(String(name))
      try file.write(archive, at: 0)
    }
  }

  deinit {
    do {
      let root = try Directory(path: path)
      let below = try root.directory("a")
      for entry in try below.entries() { try below.unlink(entry.name) }
      try root.removeDirectory("a")
      for entry in try root.entries() { try root.unlink(entry.name) }
      let (parent, name) = (FilePath(path).removingLastComponent(), FilePath(path).lastComponent?.string ?? "")
      try Directory(path: parent.string).removeDirectory(name)
    } catch { print("\(path) stays behind: \(error)") }
  }

  /// A ustar header and its content; POSIX.1-1988.
  private static func member(_ name: String, _ content: [UInt8]) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at place: Int) {
      header.replaceSubrange(place..<(place + text.utf8.count), with: text.utf8)
    }
    func octal(_ number: Int, _ width: Int) -> String {
      let digits = String(number, radix: 8)
      return String(repeating: "0", count: width - digits.count) + digits
    }
    put(name, at: 0)
    put(octal(0o644, 7), at: 100)
    put(octal(0, 7), at: 108)
    put(octal(0, 7), at: 116)
    put(octal(content.count, 11), at: 124)
    put(octal(0, 11), at: 136)
    put("        ", at: 148)
    put("0", at: 156)
    put("ustar\u{0}00", at: 257)
    put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\u{0} ", at: 148)
    return header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
  }
}
