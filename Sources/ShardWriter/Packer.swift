import LinuxSystem

/// Writes rows as an MDS stream: encodes batches and finishes shards on several cores, in the rows' order.
public struct Packer: Sendable {
  /// What `run` tells as it goes.
  public struct Progress: Sendable, Hashable {
    public var inputBytes = 0
    public var totalInputBytes = 0
    public var samples = 0
    public var shards = 0
    public var writtenBytes = 0
    /// What the person who packs should know in the end, such as elements that filled no whole sample.
    public var remarks: [String] = []
  }

  private let input: PackInput
  private let options: ShardOptions
  private let directory: String
  private let jobs: Int

  /// - Parameters:
  ///   - directory: new or empty.
  ///   - jobs: threads that encode, compress and write; memory is about two shards and two batches for each.
  public init(input: PackInput, options: ShardOptions, directory: String, jobs: Int) throws(PackError) {
    guard jobs > 0 else { throw PackError(.options, "there must be at least one job") }
    self.input = input
    self.options = options
    self.directory = directory
    self.jobs = jobs
  }

  private enum Outcome: Sendable {
    case batch(number: Int, SampleBatch, inputBytes: Int)
    case shard(WrittenShard)
  }

  /// Packs everything and answers the totals.
  ///
  /// - Parameter progress: called now and then, on the caller's task.
  public func run(progress: (Progress) -> Void = { _ in }) async throws -> Progress {
    let pool = BlockingPool(name: "pack", threads: jobs)
    let source = try await pool.run { () throws(PackError) in try input.open() }
    let text = ShardText(columns: source.columns, options: options)
    let store = try await pool.run { () throws(PackError) in
      try ShardStore(path: directory, options: options, text: text)
    }
    do {
      var total = try await pack(source, into: store, text, pool, progress)
      total.remarks = source.remarks
      return total
    } catch {
      await pool.run { store.abandon() }
      throw error
    }
  }

  private func pack(
    _ first: any RowSource, into store: ShardStore, _ text: ShardText, _ pool: BlockingPool,
    _ progress: (Progress) -> Void
  ) async throws -> Progress {
    var source = first
    let columns = source.columns
    var state = PackState(
      cutter: ShardCutter(configuration: text.configuration, sizeLimit: options.sizeLimit),
      totalInputBytes: source.totalBytes)

    try await withThrowingTaskGroup(of: Outcome.self) { group in
      var exhausted = false
      var running = 0
      repeat {
        // Batches wait behind shards, so that memory stays bounded when compression is the slow part.
        while !exhausted, running < jobs + 1, state.waitingBatches < jobs + 1 {
          let before = source
          let (batch, next) = try await pool.run { () throws(PackError) in
            var reading = before
            return (try reading.next(), reading)
          }
          source = next
          guard let batch else {
            exhausted = true
            break
          }
          let number = state.begin()
          running += 1
          group.addTask {
            let samples = try await pool.run { () throws(PackError) in try batch.encode(columns) }
            return .batch(number: number, samples, inputBytes: batch.inputBytes)
          }
        }
        if let outcome = try await group.next() {
          running -= 1
          switch outcome {
          case .shard(let shard): state.take(shard)
          case .batch(let number, let samples, let inputBytes):
            for shard in try state.take(batch: number, samples, inputBytes: inputBytes) {
              running += 1
              group.addTask { .shard(try await pool.run { () throws(PackError) in try store.write(shard) }) }
            }
          }
          progress(state.progress)
        }
        if exhausted, running == 0, let last = state.finish() {
          running += 1
          group.addTask { .shard(try await pool.run { () throws(PackError) in try store.write(last) }) }
        }
      } while running > 0 || !exhausted
    }
    guard state.progress.samples > 0 else { throw PackError(.input, "the input has no rows") }
    let written = state.written
    try await pool.run { () throws(PackError) in try store.writeIndex(written) }
    return state.progress
  }
}
