/// What changed between two descriptions, in words for whoever resumes a run.
extension OrderDescription {
  /// One line per field that differs from an earlier description; none if the orders are the same.
  public func differences(from earlier: OrderDescription) -> [String] {
    var lines: [String] = []
    let now = Dictionary(options.map { ($0.name, $0.value) }) { first, _ in first }
    let then = Dictionary(earlier.options.map { ($0.name, $0.value) }) { first, _ in first }
    for name in Set(now.keys).union(then.keys).sorted() where now[name] != then[name] {
      lines.append("\(name) was \(then[name] ?? "not known"), and is \(now[name] ?? "not known")")
    }
    let names = streams.map(\.name)
    let earlierNames = earlier.streams.map(\.name)
    if Set(names) == Set(earlierNames), names.count == earlierNames.count {
      if names != earlierNames {
        lines.append("the streams were in the order \(Self.list(earlierNames)), and are \(Self.list(names))")
      }
    }
    for stream in earlier.streams where !names.contains(stream.name) {
      lines.append("stream '\(stream.name)' (\(stream.shards) shards, \(stream.samples) samples) is gone")
    }
    for stream in streams {
      if let before = earlier.streams.first(where: { $0.name == stream.name }) {
        lines += stream.differences(from: before)
      } else {
        lines.append("stream '\(stream.name)' (\(stream.shards) shards, \(stream.samples) samples) is new")
      }
    }
    return lines
  }

  private static func list(_ names: [String]) -> String { names.map { "'\($0)'" }.joined(separator: ", ") }
}

extension OrderDescription.Stream {
  fileprivate func differences(from earlier: Self) -> [String] {
    var lines: [String] = []
    if shards != earlier.shards {
      let change = shards > earlier.shards ? "gained \(shards - earlier.shards)" : "lost \(earlier.shards - shards)"
      lines.append(
        "stream '\(name)' \(change) shards: \(earlier.shards) with \(earlier.samples) samples before, "
          + "\(shards) with \(samples) now")
    } else if samples != earlier.samples {
      lines.append("stream '\(name)' had \(earlier.samples) samples in its \(shards) shards, and has \(samples)")
    } else if contents != earlier.contents {
      lines.append("stream '\(name)' has as many shards and samples as before, but other shards")
    }
    if choose != earlier.choose {
      lines.append("stream '\(name)' was drawn \(earlier.choose) samples an epoch, and is drawn \(choose)")
    }
    if proportion != earlier.proportion {
      lines.append("the share of stream '\(name)' was \(earlier.proportion), and is \(proportion)")
    }
    return lines
  }
}
