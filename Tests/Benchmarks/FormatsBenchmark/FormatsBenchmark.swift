import Codecs
import DatasetModel
import LinuxSystem
import ShardFormats
import SystemPackage

/// Measures what `scripts/bench-parts/codecs` compares with the command-line tools, and parsing of a large index.
@main struct FormatsBenchmark {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    switch arguments.first {
    case "compress": try compress(Array(arguments.dropFirst()))
    case "decompress": try decompress(Array(arguments.dropFirst()))
    case "digest": try digest(Array(arguments.dropFirst()))
    case "index": try index(Array(arguments.dropFirst()))
    default:
      print(
        """
        usage: FormatsBenchmark compress zstd:3 RAW PACKED | decompress zstd RAWBYTES PACKED RAW
               | digest xxh64 FILE | index SHARDS
        """)
    }
  }

  private static func open(_ path: String, write: Bool = false) throws -> OwnedDescriptor {
    let descriptor =
      write
      ? try FileDescriptor.open(
        path, .readWrite, options: [.create, .truncate], permissions: [.ownerRead, .ownerWrite])
      : try FileDescriptor.open(path, .readOnly)
    return OwnedDescriptor(adopting: descriptor.rawValue)
  }

  private static func compress(_ arguments: [String]) throws {
    let source = try open(arguments[1])
    let packed = try Compressor.compress(
      try source.read(count: try source.size(), at: 0), try Compression(parsing: arguments[0]))
    try packed.withUnsafeBytes { try open(arguments[2], write: true).write($0, at: 0) }
  }

  /// Prints MB/s of raw bytes.
  private static func decompress(_ arguments: [String]) throws {
    guard let family = CompressionFamily(rawValue: arguments[0]), let bytes = Int(arguments[1]) else { return }
    let (source, target) = (try open(arguments[2]), try open(arguments[3], write: true))
    var (position, written) = (0, 0)
    let seconds = try measure {
      try Decompressor.run(family, promisedBytes: bytes) { (buffer) throws(SystemError) -> Int in
        let count = try source.read(into: buffer, at: position)
        position += count
        return count
      } write: { (piece) throws(SystemError) in
        try target.write(piece, at: written)
        written += piece.count
      }
    }
    print(Int(Double(bytes) / seconds / 1e6))
  }

  private static func digest(_ arguments: [String]) throws {
    let source = try open(arguments[1])
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    var position = 0
    let seconds = try measure {
      var digest = try Digest.named(arguments[0])
      while true {
        let count = try source.read(into: buffer, at: position)
        if count == 0 { break }
        digest.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        position += count
      }
      print(digest.finalize(), terminator: " ")
    }
    print(Int(Double(position) / seconds / 1e6))
  }

  private static func measure(_ body: () throws -> Void) rethrows -> Double {
    let seconds = try ContinuousClock().measure(body)
    return Double(seconds.components.seconds) + Double(seconds.components.attoseconds) / 1e18
  }

  /// Parses an index of so many zstd-compressed shards, as it would come from a file, then writes and reads its copy.
  private static func index(_ arguments: [String]) throws {
    let shards = arguments.first.flatMap { Int($0) } ?? 1_000_000
    var document = SyntheticIndex(shards: shards)
    var manifest = StreamManifest(shards: [ShardDescriptor](), schemas: [])
    let generating = measure {
      var dry = SyntheticIndex(shards: shards)
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
      while dry.fill(buffer) > 0 {}
      buffer.deallocate()
    }
    let parsing = try measure {
      var parser = IndexParser(stream: "synthetic")
      try parser.add { (buffer) throws(Never) in document.fill(buffer) }
      manifest = parser.finish()
    }
    print("\(shards) shards, \(document.bytes / 1_000_000) MB of JSON, \(manifest.samples) samples")
    print("parsing: \(parsing - generating) s (less \(generating) s for making the text)")
    print("peak resident: \(try peakResident())")
    var copy: [UInt8] = []
    print("writing the copy: \(measure { copy = ManifestCopy.bytes(of: manifest, validator: "v") }) s")
    print("copy: \(copy.count / 1_000_000) MB")
    var same = false
    print("reading the copy: \(try measure { same = try ManifestCopy.read(copy, validator: "v") == manifest }) s")
    print(same ? "the copy is the same" : "THE COPY DIFFERS")
    var bytes = 0
    print("every descriptor once: \(measure { for shard in manifest.shards { bytes += shard.storedBytes } }) s")
  }

  private static func peakResident() throws -> String {
    let status = String(decoding: try open("/proc/self/status").read(count: 4096, at: 0), as: UTF8.self)
    return status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }.map(String.init) ?? "unknown"
  }
}

/// The text of a large index, made as it is read.
struct SyntheticIndex {
  let shards: Int
  private(set) var bytes = 0
  private var made = 0
  private var pending: [UInt8] = Array("{\"shards\": [".utf8)
  private var ended = false
  private let before = Array(
    """
    {"column_encodings": ["int", "str", "ndarray:uint16:2048"], "column_names": ["id", "text", "tokens"], \
    "column_sizes": [8, null, 4096], "compression": "zstd", "format": "mds", "hashes": ["sha1", "xxh64"], \
    "raw_data": {"basename": "shard.
    """.utf8)

  init(shards: Int) { self.shards = shards }

  mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    while pending.count < buffer.count, made < shards {
      let number = String(made)
      let name = Array((String(repeating: "0", count: max(0, 5 - number.count)) + number).utf8)
      pending += made == 0 ? [] : Array(", ".utf8)
      pending += before
      pending += name
      pending += middle
      pending += name
      pending += after
      made += 1
    }
    if made == shards, !ended {
      pending += Array("], \"version\": 2}".utf8)
      ended = true
    }
    let count = min(buffer.count, pending.count)
    buffer.copyBytes(from: pending[..<count])
    pending.removeFirst(count)
    bytes += count
    return count
  }

  private let middle = Array(
    """
    .mds", "bytes": 67104512, "hashes": {"sha1": "a9993e364706816aba3e25717850c26c9cd0d89d", \
    "xxh64": "44bc2cf5ad770999"}}, "samples": 15872, "size_limit": 67108864, "version": 2, \
    "zip_data": {"basename": "shard.
    """.utf8)
  private let after = Array(
    """
    .mds.zstd", "bytes": 31104512, "hashes": {"sha1": "a9993e364706816aba3e25717850c26c9cd0d89d", \
    "xxh64": "44bc2cf5ad770999"}}}
    """.utf8)
}
