import DatasetModel
import StreamRegistry

/// A dataset that the operator registered under a name.
public struct DatasetConfiguration: Sendable {
  public let name: DatasetName
  /// Its streams, weights and options, checked as far as they can be before the streams' sizes are known.
  public var specification: DatasetSpecification
  /// Line of its name in the file, from 1.
  public var line: Int

  public init(name: DatasetName, specification: DatasetSpecification, line: Int = 0) {
    self.name = name
    self.specification = specification
    self.line = line
  }

  /// Reads a dataset's keys; problems go to `reader`.
  ///
  /// - Parameter streams: the registered streams, which are the ones it can name.
  static func read(
    _ name: DatasetName, streams: [StreamName], from reader: inout ConfigurationReader
  ) -> DatasetConfiguration {
    let shares = readShares(&reader) { share in StreamReference.read(among: streams, from: &share) }
    let specification = DatasetSpecification.read(shares, from: &reader)
    return DatasetConfiguration(name: name, specification: specification, line: reader.line)
  }

  /// Reads the list under `streams`, whose items are maps, or the bare name of a stream.
  static func readShares(
    _ reader: inout ConfigurationReader, _ read: (inout ConfigurationReader) -> StreamName
  ) -> [PlacedShare] {
    reader.require("streams", "which streams the dataset draws from (streams: [{stream: pile, proportion: 1}])")
    guard let value = reader.value("streams") else { return [] }
    guard let items = value.list, !items.isEmpty else {
      reader.report("streams", "must be a list of at least one stream ([{stream: pile, proportion: 1}])")
      return []
    }
    return items.enumerated().map { position, item in
      var share = ConfigurationReader(
        item.text == nil ? item : StreamReference.map(item), path: "\(reader.keyPath("streams"))[\(position)]")
      let isMap = share.problems.isEmpty
      let weight = isMap ? StreamWeight.read(from: &share) : .unweighted
      let stream = isMap ? read(&share) : StreamName("")
      share.reportUnknownKeys()
      reader.absorb(share.problems)
      return PlacedShare(share: StreamShare(stream: stream, weight: weight), reader: share)
    }
  }
}

extension DatasetConfiguration: Hashable {
  /// Equal in everything but where it is written.
  public static func == (left: DatasetConfiguration, right: DatasetConfiguration) -> Bool {
    left.name == right.name && left.specification == right.specification
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(specification)
  }
}

/// A stream's share of a dataset, with the reader of its keys for problems found later.
struct PlacedShare {
  var share: StreamShare
  let reader: ConfigurationReader

  /// Whether the stream was named; what else is wrong with an unnamed one is not worth saying.
  var isNamed: Bool { !share.stream.rawValue.isEmpty }
}

/// `stream: NAME` in a dataset.
enum StreamReference {
  static func read(among streams: [StreamName], from reader: inout ConfigurationReader) -> StreamName {
    let name = reader.requiredText("stream", "the name of a registered stream")
    if !name.isEmpty, !streams.contains(StreamName(name)) {
      let names = streams.map(\.rawValue).sorted()
      let known = names.isEmpty ? "none is registered" : "registered are \(names.prefix(20).joined(separator: ", "))"
      reader.report("stream", "no stream \"\(name)\"; \(known)\(NearestName.hint(name, among: names))")
    }
    return StreamName(name)
  }

  /// A bare name as the map that it is short for.
  static func map(_ name: ConfigurationValue) -> ConfigurationValue {
    let entry = ConfigurationMap.Entry(key: "stream", value: name, line: name.line)
    return ConfigurationValue(.map(ConfigurationMap([entry])), line: name.line)
  }
}
