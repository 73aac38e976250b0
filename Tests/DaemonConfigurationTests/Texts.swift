import DaemonConfiguration
import DatasetModel
import StreamRegistry
import Testing

/// A configuration whose cache is given, so that a test writes only what it is about.
func parse(_ text: String, registry: StreamRegistry? = nil) throws(ConfigurationError) -> Configuration {
  try Configuration.parse(text: "cache: {directory: /c, limit: 1gb}\n" + text, file: "t.yaml", registry: registry)
}

/// What is wrong with such a configuration, line by line; line 1 is the cache's.
func problems(_ text: String, registry: StreamRegistry? = nil) -> [String] {
  do throws(ConfigurationError) {
    _ = try parse(text, registry: registry)
    return []
  } catch {
    return error.description.split(separator: "\n").map(String.init)
  }
}

/// Expects exactly one problem that holds `part`.
func expectProblem(
  _ text: String, _ part: String, sourceLocation: SourceLocation = #_sourceLocation
) {
  let found = problems(text)
  #expect(found.count == 1, "\(found)", sourceLocation: sourceLocation)
  #expect(found.first?.contains(part) == true, "\(found)", sourceLocation: sourceLocation)
}
