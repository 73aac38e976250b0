import SystemPackage

/// The files that `sluice plan` reads and writes.
enum PlanFiles {
  /// Longest file that is read: a case of a billion one-sample shards would be longer, and no plan needs it.
  static let maximumBytes = 1 << 30

  /// Why a file cannot be used.
  struct Failure: Error, CustomStringConvertible {
    let path: String
    let reason: String
    var description: String { "\(path): \(reason)" }
  }

  /// The bytes of a file; `-` is the standard input.
  static func read(_ path: String) throws -> [UInt8] {
    do {
      if path == "-" { return try readAll(.standardInput, path) }
      let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
      return try file.closeAfter { try readAll(file, path) }
    } catch let problem as Errno {
      throw Failure(path: path, reason: "cannot be read: \(problem)")
    }
  }

  private static func readAll(_ file: FileDescriptor, _ path: String) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let piece = try [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, count in
        count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
      if piece.isEmpty { return bytes }
      bytes += piece
      if bytes.count > maximumBytes { throw Failure(path: path, reason: "is longer than \(maximumBytes) bytes") }
    }
  }

  /// A file being written from its beginning.
  struct Output {
    private let file: FileDescriptor
    private let path: String

    init(_ path: String) throws {
      self.path = path
      do {
        file = try FileDescriptor.open(
          FilePath(path), .writeOnly, options: [.create, .truncate, .closeOnExec],
          permissions: [.ownerReadWrite, .groupRead, .otherRead])
      } catch { throw Failure(path: path, reason: "cannot be created: \(error)") }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
      do { try file.writeAll(bytes) } catch { throw Failure(path: path, reason: "cannot be written: \(error)") }
    }

    func close() throws {
      do { try file.close() } catch { throw Failure(path: path, reason: "cannot be written: \(error)") }
    }
  }
}

/// What Linux says about this process in `/proc/self/status`.
struct ProcessStatus {
  /// The most memory that was resident at any time; 0 if the system does not say.
  var peakMemoryBytes = 0
  /// Processors this process may run on; at least 1.
  var allowedProcessors = 1

  /// The status at this moment. Where `/proc` is missing, what it says is simply not known.
  static func now() -> ProcessStatus {
    var status = ProcessStatus()
    // No /proc, no figures.
    guard let bytes = try? PlanFiles.read("/proc/self/status") else { return status }
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard words.count >= 2 else { continue }
      if words[0] == "VmHWM:" { status.peakMemoryBytes = (Int(words[1]) ?? 0) * 1024 }
      if words[0] == "Cpus_allowed_list:" { status.allowedProcessors = max(1, count(words[1])) }
    }
    return status
  }

  /// Members of a list such as `0-3,6`.
  private static func count(_ list: Substring) -> Int {
    list.split(separator: ",").reduce(0) { sum, range in
      let ends = range.split(separator: "-").compactMap { Int($0) }
      return sum + (ends.count == 2 ? ends[1] - ends[0] + 1 : ends.count)
    }
  }
}
