import DatasetModel
import StreamRegistry

extension StreamWeight {
  /// At most one of `proportion`, `repeat` and `choose`, none negative; planning.md §2.
  static func read(from reader: inout ConfigurationReader) -> StreamWeight {
    let proportion = reader.number("proportion", atLeast: 0)
    let repeated = reader.number("repeat", atLeast: 0)
    let choose = reader.integer("choose", in: 0...Int.max)
    let given = ["proportion", "repeat", "choose"].filter { reader.has($0) }
    if given.count > 1 {
      reader.report(
        given[1], "stands beside \(given[0]); a stream has at most one of proportion, repeat and choose")
    }
    if let proportion { return .proportion(proportion) }
    if let repeated { return .repeated(repeated) }
    return choose.map { .choose($0) } ?? .unweighted
  }

  /// The key that gives it; nil for none.
  var key: String? {
    switch self {
    case .unweighted: nil
    case .proportion: "proportion"
    case .repeated: "repeat"
    case .choose: "choose"
    }
  }

  /// Whether it draws nothing, whatever the stream holds.
  var isZero: Bool {
    switch self {
    case .unweighted: false
    case .proportion(let value), .repeated(let value): value == 0
    case .choose(let value): value == 0
    }
  }
}

extension DatasetSpecification {
  /// Something about the weights that gives no plan.
  struct WeightProblem {
    /// Position of the stream; nil for the dataset's own key.
    let stream: Int?
    let key: String
    let message: String
  }

  /// Everything about weights, `epoch_size` and the batching method that can never give a plan; planning.md §3 and Q6.
  func weightProblems() -> [WeightProblem] {
    var problems: [WeightProblem] = []
    if isRelative {
      problems += proportionProblems()
    } else {
      for (position, share) in streams.enumerated() {
        guard case .proportion = share.weight else { continue }
        let message =
          "the first stream (\(streams[0].stream)) has no proportion; give every stream a proportion, or none"
        problems.append(WeightProblem(stream: position, key: "proportion", message: message))
      }
      if options.epochSize != nil, !streams.allSatisfy({ $0.weight == .unweighted }) {
        let message = "cannot stand beside repeat and choose, from which the epoch's size follows; leave it out, or "
        problems.append(WeightProblem(stream: nil, key: "epoch_size", message: message + "give proportions"))
      }
    }
    if !streams.isEmpty, streams.allSatisfy(\.weight.isZero) {
      problems.append(
        WeightProblem(stream: nil, key: "streams", message: "no stream draws a sample; give one a weight above 0"))
    } else if options.batchingMethod != "random" {
      for (position, share) in streams.enumerated() where share.weight.isZero {
        let message =
          "must be above 0 with batching_method \(options.batchingMethod), which needs samples of every stream"
        problems.append(WeightProblem(stream: position, key: share.weight.key ?? "stream", message: message))
      }
    }
    return problems + repeatedNames()
  }

  private var isRelative: Bool {
    if case .proportion = streams.first?.weight { true } else { false }
  }

  private func proportionProblems() -> [WeightProblem] {
    var problems: [WeightProblem] = []
    var sum = 0.0
    for (position, share) in streams.enumerated() {
      if case .proportion(let value) = share.weight {
        sum += value
        continue
      }
      let message = "has no proportion, but the first stream (\(streams[0].stream)) has; give every stream one, or none"
      problems.append(WeightProblem(stream: position, key: share.weight.key ?? "", message: message))
    }
    if !sum.isFinite {
      let message = "the proportions add up to more than a number can be; they are relative, so make them smaller"
      problems.append(WeightProblem(stream: nil, key: "streams", message: message))
    }
    return problems
  }

  private func repeatedNames() -> [WeightProblem] {
    var seen: Set<StreamName> = []
    return streams.enumerated().compactMap { position, share in
      guard !seen.insert(share.stream).inserted else { return nil }
      let message = "stream \(share.stream) stands in the dataset already; give it one weight, in one place"
      return WeightProblem(stream: position, key: "stream", message: message)
    }
  }
}
