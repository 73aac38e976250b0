/// Writes metric families in Prometheus's text format.
struct MetricsWriter {
  /// A sample's labels.
  typealias Labels = [(String, String)]
  /// A sample: its labels and its value.
  typealias Sample = (labels: Labels, value: Double)

  private(set) var text = ""

  mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) { family(name, "gauge", help, samples) }
  mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) { family(name, "counter", help, samples) }

  mutating func histogram(_ name: String, _ help: String, _ histograms: [(labels: Labels, value: Histogram)]) {
    guard !histograms.isEmpty else { return }
    head(name, "histogram", help)
    for (labels, histogram) in histograms {
      var sum = 0
      for (place, count) in histogram.counts.enumerated() {
        sum += count
        let bound = place < histogram.bounds.count ? Self.number(histogram.bounds[place]) : "+Inf"
        line("\(name)_bucket", labels + [("le", bound)], Double(sum))
      }
      line("\(name)_sum", labels, histogram.sum)
      line("\(name)_count", labels, Double(sum))
    }
  }

  private mutating func family(_ name: String, _ type: String, _ help: String, _ samples: [Sample]) {
    guard !samples.isEmpty else { return }
    head(name, type, help)
    for sample in samples { line(name, sample.labels, sample.value) }
  }

  private mutating func head(_ name: String, _ type: String, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  private mutating func line(_ name: String, _ labels: Labels, _ value: Double) {
    let shown = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
    text += shown.isEmpty ? name : "\(name){\(shown)}"
    text += " \(Self.number(value))\n"
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
  }

  private static func escaped(_ text: String) -> String {
    text.map { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0 == "\n" ? "\\n" : String($0) }.joined()
  }
}

extension Array where Element == MetricsWriter.Sample {
  /// Adds up samples whose labels have become the same.
  func summed() -> [MetricsWriter.Sample] {
    var order: [String] = []
    var sums: [String: MetricsWriter.Sample] = [:]
    for sample in self {
      let key = sample.labels.map { "\($0.0)=\($0.1)" }.joined(separator: "\n")
      if sums[key] == nil { order.append(key) }
      sums[key, default: (sample.labels, 0)].value += sample.value
    }
    return order.compactMap { sums[$0] }
  }
}
