import DatasetModel
import LinuxSystem
import ShardFormats
import SystemPackage

/// Checks a stream in a directory: its indexes and every shard, several at once, to the last fault.
public struct StreamVerifier: Sendable {
  /// Bad records of one stream that are listed.
  public static let listedRecords = 1000

  /// What has been checked.
  public struct Progress: Sendable, Hashable {
    public var shards = 0
    public var totalShards = 0
    public var samples = 0
    public var bytes = 0
    public var faults = 0
  }

  private let stream: StreamName
  private let path: String
  private let subdirectories: [String]?
  private let jobs: Int

  /// - Parameters:
  ///   - path: the directory with index.json, or with subdirectories that have one each.
  ///   - subdirectories: the subdirectories in order; nil to look for them.
  ///   - jobs: shards checked at once; each is held in memory.
  public init(stream: StreamName, path: String, subdirectories: [String]? = nil, jobs: Int) {
    self.stream = stream
    self.path = path
    self.subdirectories = subdirectories
    self.jobs = max(1, jobs)
  }

  /// Checks everything and answers the totals.
  ///
  /// - Parameters:
  ///   - onFault: told of each fault, in the shards' order within what is checked at once.
  ///   - progress: told after each shard.
  public func run(
    onFault: (VerifyFault) -> Void, progress: (Progress) -> Void = { _ in }
  ) async throws(SystemError) -> Progress {
    let pool = BlockingPool(name: "verify", threads: jobs)
    let (directory, indexes) = try await pool.run { () throws(SystemError) in try readIndexes() }
    var total = Progress()
    for fault in indexes.faults {
      onFault(.index(fault))
      total.faults += 1
    }
    let manifest = indexes.manifest
    total.totalShards = manifest.shards.count
    await withTaskGroup(of: (faults: [VerifyFault], samples: Int, bytes: Int).self) { group in
      var next = 0
      for _ in 0..<min(jobs, manifest.shards.count) {
        add(next, manifest, directory, pool, to: &group)
        next += 1
      }
      while let done = await group.next() {
        for fault in done.faults { onFault(fault) }
        total.shards += 1
        total.samples += done.samples
        total.bytes += done.bytes
        total.faults += done.faults.count
        progress(total)
        if next < manifest.shards.count {
          add(next, manifest, directory, pool, to: &group)
          next += 1
        }
      }
    }
    return total
  }

  private func add(
    _ position: Int, _ manifest: StreamManifest, _ directory: Directory, _ pool: BlockingPool,
    to group: inout TaskGroup<(faults: [VerifyFault], samples: Int, bytes: Int)>
  ) {
    let shard = manifest.shards[position]
    let schema = manifest.schemas[shard.schema]
    let stream = stream
    group.addTask {
      await pool.run {
        var check = ShardCheck(
          stream: stream, directory: directory, position: position, shard: shard, schema: schema)
        check.run()
        return (check.faults, shard.samples, check.bytesRead)
      }
    }
  }

  /// The good records of all indexes, and the bad ones.
  private func readIndexes() throws(SystemError) -> (
    Directory, (manifest: StreamManifest, faults: [IndexError])
  ) {
    let directory = try Directory(path: path)
    let found: [String]
    if let subdirectories { found = subdirectories } else { found = try findIndexes(directory) }
    guard !found.isEmpty else { throw SystemError("open", "\(path)/index.json", .noSuchFileOrDirectory) }
    var parser = IndexParser(stream: stream, collectingFaults: Self.listedRecords)
    var faults: [IndexError] = []
    for subdirectory in found {
      let name = subdirectory.isEmpty ? "index.json" : "\(subdirectory)/index.json"
      let file = try directory.openFollowing(name)
      var position = 0
      do throws(IndexFailure<SystemError>) {
        try parser.add(subdirectory: subdirectory) { (buffer) throws(SystemError) -> Int in
          let count = try file.read(into: buffer, at: position)
          position += count
          return count
        }
      } catch {
        switch error {
        case .index(let fault): faults.append(fault)
        case .io(let failure): throw failure
        }
      }
    }
    let records = parser.faults
    return (directory, (parser.finish(), records + faults))
  }

  private func findIndexes(_ directory: Directory) throws(SystemError) -> [String] {
    if try directory.status(of: "index.json") != nil { return [""] }
    var paths: [String] = []
    try collect(directory, prefix: "", into: &paths)
    return IndexDiscovery.subdirectories(listing: paths)
  }

  private func collect(
    _ directory: Directory, prefix: String, into paths: inout [String]
  ) throws(SystemError) {
    for entry in try directory.entries() {
      if entry.kind == .directory {
        try collect(try directory.directory(entry.name), prefix: "\(prefix)\(entry.name)/", into: &paths)
      } else if entry.name == "index.json" {
        paths.append(prefix + entry.name)
      }
    }
  }
}
