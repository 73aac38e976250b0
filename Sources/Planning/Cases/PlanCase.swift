import DatasetModel

/// A planning problem and, where known, the reference's answer: one object of a case file.
///
/// The format is that of the golden data: `streams[]` with `shard_samples` and at most one of `proportion`, `repeat`,
/// `choose`; `dataset` with the reference's option names; `world`; `replication`; `epoch`, `sample_in_epoch`,
/// `initial_physical_nodes`; and `expect` or `error`.
public struct PlanCase: Sendable {
  /// What the reference derived, as far as the case says.
  public struct Expectation: Hashable, Sendable {
    /// The tensor's dimensions.
    public let shape: [Int]
    /// SHA-256 of the tensor's bytes, hexadecimal.
    public let sha256: String
    /// The tensor's first entries.
    public let head: [Int]
    /// Derived values by their names in the format, each as a list.
    public let derived: [String: [Int]]
  }

  /// What the reference answers.
  public enum Answer: Hashable, Sendable {
    /// A plan.
    case plan(Expectation)
    /// A refusal, with its message.
    case refusal(String)
    /// Not known.
    case unknown
  }

  /// The case's number, as text; nil if it has none.
  public let id: String?
  /// The problem.
  public let request: PlanRequest
  /// The reference's answer.
  public let answer: Answer

  /// Reads one JSON object.
  ///
  /// - Throws: `PlanCaseError` naming the member at fault.
  public init(json text: [UInt8]) throws(PlanCaseError) {
    let value: JSONValue
    do throws(JSONValue.SyntaxError) {
      value = try JSONValue(text)
    } catch {
      throw .notJSON(offset: error.offset, expected: error.expected)
    }
    let top = try CaseObject(value, at: "case")
    switch top.members["id"] {
    case .integer(let number): id = "\(number)"
    case .string(let name): id = name
    default: id = nil
    }
    request = try Self.request(top)
    if let expect = try top.object("expect") {
      answer = .plan(try Self.expectation(expect))
    } else if let message = try top.string("error") {
      answer = .refusal(message)
    } else {
      answer = .unknown
    }
  }

  private static func request(_ top: CaseObject) throws(PlanCaseError) -> PlanRequest {
    var streams: [PlanStream] = []
    for (index, member) in try top.requiredArray("streams").enumerated() {
      streams.append(try stream(CaseObject(member, at: "streams[\(index)]"), index: index))
    }
    let world = try top.requiredObject("world")
    let epoch = try top.integer("epoch") ?? 0
    let options = try options(top.object("dataset"), replication: try top.integer("replication"))
    return PlanRequest(
      streams: streams, options: options,
      world: World(
        nodes: try world.requiredInteger("num_nodes"), ranksPerNode: try world.requiredInteger("ranks_per_node"),
        workersPerRank: try world.requiredInteger("workers_per_rank")),
      epoch: epoch,
      resume: ResumePoint(
        epoch: epoch, sampleInEpoch: try top.integer("sample_in_epoch") ?? 0,
        initialPhysicalNodes: try top.integer("initial_physical_nodes")))
  }

  private static func stream(_ object: CaseObject, index: Int) throws(PlanCaseError) -> PlanStream {
    let weights = ["proportion", "repeat", "choose"].filter { object.isGiven($0) }
    guard weights.count <= 1 else {
      throw .wrong(member: object.path, expected: "at most one of proportion, repeat and choose")
    }
    var weight = StreamWeight.unweighted
    if let value = try object.number("proportion") { weight = .proportion(value) }
    if let value = try object.number("repeat") { weight = .repeated(value) }
    if let value = try object.integer("choose") { weight = .choose(value) }
    return PlanStream(
      name: StreamName(try object.string("name") ?? "\(index)"),
      shardSamples: try object.requiredIntegers("shard_samples"), weight: weight)
  }

  private static func options(_ object: CaseObject?, replication: Int?) throws(PlanCaseError) -> DatasetOptions {
    var options = DatasetOptions()
    options.replication = replication
    guard let object else { return options }
    let known: Set = [
      "epoch_size", "batch_size", "shuffle", "shuffle_algo", "shuffle_seed", "shuffle_block_size", "sampling_method",
      "sampling_granularity", "partition_algo", "batching_method", "num_canonical_nodes", "replication",
    ]
    if let unknown = object.members.keys.sorted().first(where: { !known.contains($0) }) {
      let hint = unknown.nearest(of: known.sorted()).map { "; did you mean '\($0)'?" } ?? ""
      throw .wrong(member: "dataset.\(unknown)", expected: "one of \(known.sorted().joined(separator: ", "))\(hint)")
    }
    options.epochSize = try object.integer("epoch_size")
    options.batchSize = try object.integer("batch_size") ?? options.batchSize
    options.shuffle = try object.boolean("shuffle") ?? options.shuffle
    options.shuffleAlgorithm = try object.string("shuffle_algo") ?? options.shuffleAlgorithm
    options.shuffleSeed = try object.integer("shuffle_seed") ?? options.shuffleSeed
    options.shuffleBlockSize = try object.integer("shuffle_block_size")
    options.samplingMethod = try object.string("sampling_method") ?? options.samplingMethod
    options.samplingGranularity = try object.integer("sampling_granularity") ?? options.samplingGranularity
    options.partitionAlgorithm = try object.string("partition_algo") ?? options.partitionAlgorithm
    options.batchingMethod = try object.string("batching_method") ?? options.batchingMethod
    options.canonicalNodes = try object.integer("num_canonical_nodes")
    if let replication = try object.integer("replication") { options.replication = replication }
    return options
  }

  private static func expectation(_ object: CaseObject) throws(PlanCaseError) -> Expectation {
    var derived: [String: [Int]] = [:]
    for name in ["epoch_size", "num_canonical_nodes", "shuffle_block_size", "length"] {
      if let value = try object.integer(name) { derived[name] = [value] }
    }
    if object.isGiven("choose_per_stream") {
      derived["choose_per_stream"] = try object.requiredIntegers("choose_per_stream")
    }
    return Expectation(
      shape: try object.requiredIntegers("shape"), sha256: try object.string("sha256") ?? "",
      head: object.isGiven("head") ? try object.requiredIntegers("head") : [], derived: derived)
  }
}
