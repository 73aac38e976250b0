import Codecs
import Planning

/// What `sluice plan` says about one plan.
struct PlanReport {
  /// Entries of the tensor that are shown.
  static let headLength = 24

  /// The fields in order: name, and value as JSON.
  private var fields: [(name: String, value: String)] = []
  /// True when no plan could be made.
  private(set) var isRefusal = false

  /// Plans a request, writes the tensor if asked to, and measures both.
  init(_ request: PlanRequest, id: String?, threads: Int, output: String?) async throws {
    if let id { add("id", Self.quoted(id)) }
    let clock = ContinuousClock()
    let began = clock.now
    let plan: EpochPlan
    do throws(PlanningError) {
      plan = try await makePlan(request, threads: threads)
    } catch {
      isRefusal = true
      add("error", Self.quoted("\(error)"))
      return
    }
    let duration = clock.now - began
    let peak = ProcessStatus.now().peakMemoryBytes
    let digest = try Self.export(plan, to: output)
    let summary = plan.summary
    add("shape", Self.list(plan.shape.dimensions))
    add("sha256", Self.quoted(digest))
    add("head", Self.list(plan.tensorHead(Self.headLength)))
    add("epoch_size", "\(summary.epochSize)")
    add("choose_per_stream", Self.list(summary.choosePerStream))
    add("num_canonical_nodes", "\(summary.canonicalNodes)")
    add("shuffle_block_size", "\(summary.shuffleBlockSize)")
    add("length", "\(summary.datasetLength)")
    add("epoch", "\(summary.epoch)")
    add("sample_in_epoch", "\(summary.sampleInEpoch)")
    add("planning_seconds", Self.seconds(duration))
    add("threads", "\(threads)")
    add("peak_memory_bytes", "\(peak)")
    add("plan_bytes", "\(plan.bytes)")
    add("warnings", "[" + plan.warnings.map { Self.quoted($0.description) }.joined(separator: ", ") + "]")
  }

  /// One JSON object on one line.
  var json: String { "{" + fields.map { "\(Self.quoted($0.name)): \($0.value)" }.joined(separator: ", ") + "}" }

  /// A field a line.
  var text: String { fields.map { "\($0.name): \($0.value)" }.joined(separator: "\n") }

  private mutating func add(_ name: String, _ value: String) { fields.append((name, value)) }

  /// Digests the tensor, and writes it on the way.
  private static func export(_ plan: EpochPlan, to path: String?) throws -> String {
    var digest = try IncrementalDigest(.sha256)
    if let path {
      let file = try PlanFiles.Output(path)
      try plan.forEachTensorChunk { bytes in
        digest.update(bytes)
        try file.write(bytes)
      }
      try file.close()
    } else {
      plan.forEachTensorChunk { bytes in digest.update(bytes) }
    }
    return digest.finalize()
  }

  private static func seconds(_ duration: Duration) -> String {
    let microseconds = duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
    return "\(Double(microseconds) / 1e6)"
  }

  private static func list(_ numbers: [Int]) -> String { "[" + numbers.map(String.init).joined(separator: ", ") + "]" }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case "\n": quoted += "\\n"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
