import DatasetModel
import StreamRegistry

/// A dataset that a client brought along: its specification, and the streams that it made for itself.
public struct InlineDataset: Sendable {
  /// Streams by name: registered ones under theirs, others under what they are, so that equal ones share a cache.
  public let specification: DatasetSpecification
  /// The streams that are not registered, with what the rules gave them.
  public let streams: [StreamConfiguration]
}

extension DatasetConfiguration {
  /// Reads the JSON document of an `open` request with `inline` set: the keys of a dataset, whose streams are objects
  /// of a stream's keys, or name registered ones (`{"stream": "pile", "proportion": 1}`).
  ///
  /// - Parameters:
  ///   - document: from a client; nothing in it is trusted.
  ///   - rules: what the operator permits.
  ///   - registered: names of the registered streams.
  /// - Throws: everything that is wrong with it, or not permitted, with the lines of the document.
  public static func parse(
    document: String, rules: InlineDatasetRules, registered: [StreamName]
  ) throws(ConfigurationError) -> InlineDataset {
    let file = "inline dataset"
    guard rules.isEnabled else {
      throw ConfigurationError(
        file: file, message: "inline datasets are not permitted here (inline_datasets in the configuration)")
    }
    guard document.utf8.count <= rules.maximumBytes else {
      throw ConfigurationError(
        file: file, message: "has \(document.utf8.count) bytes; inline_datasets.max_bytes is \(rules.maximumBytes)")
    }
    do throws(ConfigurationProblems) {
      var reader = ConfigurationReader(try JSONDocument.parse(document), path: "")
      var streams: [StreamConfiguration] = []
      let count = reader.value("streams")?.list?.count ?? 0
      if count > rules.maximumStreams {
        reader.report("streams", "has \(count) items; inline_datasets.max_streams is \(rules.maximumStreams)")
        try reader.finish()
      }
      let shares = readShares(&reader) { share in
        if share.has("stream") {
          return readRegistered(registered, rules, &share)
        }
        let stream = InlineStream.read(rules, from: &share)
        streams.append(stream)
        return stream.name
      }
      let specification = DatasetSpecification.read(shares, from: &reader)
      try reader.finish()
      return InlineDataset(specification: specification, streams: streams)
    } catch {
      throw ConfigurationError(file: file, error.problems)
    }
  }

  /// Applies the JSON object of dataset options of an `open` request over a dataset.
  ///
  /// - Returns: the specification with those options; `overrides` of "" changes nothing.
  /// - Throws: everything that is wrong with them, the mix that results included.
  public static func apply(
    overrides: String, to specification: DatasetSpecification
  ) throws(ConfigurationError) -> DatasetSpecification {
    if overrides.isEmpty { return specification }
    do throws(ConfigurationProblems) {
      var reader = ConfigurationReader(try JSONDocument.parse(overrides), path: "")
      if reader.value("streams") != nil {
        reader.report("streams", "cannot be overridden; open an inline dataset for another mix")
      }
      var changed = specification
      changed.readOptions(from: &reader)
      for problem in changed.weightProblems() {
        reader.report(problem.stream == nil ? problem.key : "batching_method", problem.message)
      }
      try reader.finish()
      return changed
    } catch {
      throw ConfigurationError(file: "overrides", error.problems)
    }
  }

  private static func readRegistered(
    _ registered: [StreamName], _ rules: InlineDatasetRules, _ share: inout ConfigurationReader
  ) -> StreamName {
    guard rules.registeredStreams else {
      _ = share.value("stream")
      share.report("stream", "registered streams are not open to inline datasets (inline_datasets.registered_streams)")
      return StreamName("")
    }
    return StreamReference.read(among: registered, from: &share)
  }
}
