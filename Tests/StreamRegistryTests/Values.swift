import DatasetModel
import StreamRegistry

/// A map whose n-th key stands on line n + 1.
func map(_ entries: KeyValuePairs<String, ConfigurationValue.Content>) -> ConfigurationValue {
  var line = 0
  let placed = entries.map { entry in
    line += 1
    return ConfigurationMap.Entry(key: entry.key, value: ConfigurationValue(entry.value, line: line), line: line)
  }
  return ConfigurationValue(.map(ConfigurationMap(placed)), line: 1)
}

/// A reader over such a map, at path `x`.
func reader(_ entries: KeyValuePairs<String, ConfigurationValue.Content>, secret: Bool = false) -> ConfigurationReader {
  ConfigurationReader(map(entries), path: "x", secret: secret)
}

/// A stream read from keys, with the problems that were found.
func stream(
  _ entries: KeyValuePairs<String, ConfigurationValue.Content>
) -> (stream: StreamConfiguration, problems: [ConfigurationProblem]) {
  var reader = ConfigurationReader(map(entries), path: "streams.pile")
  let stream = StreamConfiguration.read("pile", from: &reader)
  reader.reportUnknownKeys()
  return (stream, reader.problems)
}

/// A source that does nothing, for registering.
struct EmptySource: StreamSource {
  var location: String { "nowhere" }
  func manifest() async throws -> ManifestAnswer { .documents([], validator: nil) }
  func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt {
    throw StreamSourceError(.notFound, "nowhere has no \(request.path)")
  }
}
