import BuiltInStreams
import DatasetModel
import LinuxSystem
import ShardFormats
import StreamRegistry

/// Checks a stream: its indexes and every shard, several at once, to the last fault.
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

  private typealias Checked = (faults: [VerifyFault], samples: Int, bytes: Int)

  private let stream: StreamName
  private let source: any StreamSource
  private let fetching: VerifyFetching
  private let requiredHash: String?
  private let jobs: Int
  private let fetch = RetryingFetch()

  /// - Parameters:
  ///   - fetching: used for streams that do not lie on this machine.
  ///   - requiredHash: a digest that every file must have in the index (`validate_hash`).
  ///   - jobs: shards checked at once; each is held in memory.
  public init(
    stream: StreamName, source: any StreamSource, fetching: VerifyFetching, requiredHash: String? = nil, jobs: Int
  ) {
    self.stream = stream
    self.source = source
    self.fetching = fetching
    self.requiredHash = requiredHash
    self.jobs = max(1, jobs)
  }

  /// Checks everything and answers the totals.
  ///
  /// - Parameters:
  ///   - onFault: told of each fault, in the shards' order within what is checked at once.
  ///   - progress: told at the beginning and after each shard.
  /// - Throws: why the stream's index could not be had at all.
  public func run(
    onFault: (VerifyFault) -> Void, progress: (Progress) -> Void = { _ in }
  ) async throws -> Progress {
    let pool = BlockingPool(name: "verify", threads: jobs)
    let (manifest, faults) = try await index(pool)
    let home = try source.localDirectory.map { try Directory(path: $0) }
    var total = Progress()
    for fault in faults {
      onFault(.index(fault))
      total.faults += 1
    }
    total.totalShards = manifest.shards.count
    progress(total)
    await withTaskGroup(of: Checked.self) { group in
      var next = 0
      while next < min(jobs, manifest.shards.count) {
        add(next, manifest, home, pool, to: &group)
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
          add(next, manifest, home, pool, to: &group)
          next += 1
        }
      }
    }
    return total
  }

  private func add(
    _ position: Int, _ manifest: StreamManifest, _ home: Directory?, _ pool: BlockingPool,
    to group: inout TaskGroup<Checked>
  ) {
    let shard = manifest.shards[position]
    let schema = manifest.schemas[shard.schema]
    group.addTask { [self] in
      let files: any ShardFileOpening
      if let home {
        files = LocalFiles(directory: home)
      } else {
        files = await fetching.fetch(shard, of: stream, from: source, fetch)
      }
      return await pool.run {
        var check = ShardCheck(
          stream: stream, files: files, position: position, shard: shard, schema: schema, requiredHash: requiredHash)
        check.run()
        return (check.faults, shard.samples, check.bytesRead)
      }
    }
  }

  /// The good records of all indexes, and the bad ones.
  private func index(_ pool: BlockingPool) async throws -> (manifest: StreamManifest, faults: [IndexError]) {
    switch try await fetch.manifest(of: stream, from: source, policy: fetching.policy) {
    case .manifest(let manifest): return (manifest, [])
    case .documents(let documents, _):
      let stream = stream
      return try await pool.run { () throws(SystemError) in
        var parser = IndexParser(stream: stream, collectingFaults: Self.listedRecords)
        var faults: [IndexError] = []
        for document in documents {
          do throws(IndexFailure<SystemError>) {
            try parser.add(subdirectory: document.subdirectory, read: document.reader())
          } catch {
            switch error {
            case .index(let fault): faults.append(fault)
            case .io(let failure): throw failure
            }
          }
        }
        faults = parser.faults + faults
        return (parser.finish(), faults)
      }
    }
  }
}
