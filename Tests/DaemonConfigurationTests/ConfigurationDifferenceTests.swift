import DatasetModel
import StreamRegistry
import Testing

@testable import DaemonConfiguration

@Suite struct ConfigurationDifferenceTests {
  private static let old = """
    streams:
      a: {remote: 's3://b/a'}
      b: {remote: 's3://b/b'}
      c: {remote: 's3://b/c', with: {x: 1, y: 2}}
    datasets:
      one: {streams: [a, b]}
      two: {streams: [b]}
      three: {streams: [a], batch_size: 4}
    """

  @Test func streamsAndDatasetsThatComeChangeAndGo() throws {
    let new = """
      # moved down a line, keys in another order: not a change
      streams:
        c: {with: {y: 2, x: 1}, remote: 's3://b/c'}
        b: {remote: 's3://b/b', download_retry: 5}
        d: {remote: 's3://b/d'}
      datasets:
        two: {streams: [b]}
        three: {streams: [c], batch_size: 4}
        four: {streams: [d]}
      """
    let difference = ConfigurationDifference(from: try parse(Self.old), to: try parse(new))
    #expect(difference.streams.added == ["d"])
    #expect(difference.streams.changed == ["b"])
    #expect(difference.streams.removed == ["a"])
    #expect(difference.datasets.added == ["four"])
    #expect(difference.datasets.changed == ["three"])
    #expect(difference.datasets.removed == ["one"])
    #expect(difference.affectedDatasets == ["two"])
    #expect(difference.applied.isEmpty && difference.needsRestart.isEmpty && !difference.isEmpty)
  }

  @Test func nothingChanged() throws {
    let moved = Self.old.replacing("streams:\n  a", with: "\n\nstreams:\n  a")
    #expect(ConfigurationDifference(from: try parse(Self.old), to: try parse(moved)).isEmpty)
  }

  @Test func whatAppliesAndWhatWaits() throws {
    let new = """
      socket: {path: /run/other.sock, mode: "0600"}
      log: {level: debug}
      limits: {connections: 5, batch_bytes: 1mb}
      http: {listen: '127.0.0.1:1'}
      wait_seconds: 5
      inline_datasets: {allow: ['s3://b/']}
      """
    let difference = ConfigurationDifference(from: try parse(""), to: try parse(new))
    #expect(difference.needsRestart == ["socket.path", "socket.mode", "http.listen"])
    #expect(difference.applied == ["inline_datasets", "limits.connections", "log.level", "wait_seconds"])
    #expect(difference.appliedToNewConnections == ["limits.batch_bytes"])
  }

  /// A setting that somebody adds to a struct must be compared as well.
  @Test func everySettingIsCompared() {
    let configuration = Configuration()
    var expected: Set<String> = []
    for (label, value) in Mirror(reflecting: configuration).children {
      guard let label, label != "streams", label != "datasets" else { continue }
      let name = snakeCase(label)
      let fields = Mirror(reflecting: value).children.compactMap(\.label)
      if name == "inline_datasets" || fields.isEmpty {
        expected.insert(name)
      } else {
        expected.formUnion(fields.map { "\(name).\(snakeCase($0))" })
      }
    }
    #expect(Set(ConfigurationDifference.settingPaths) == expected)
    #expect(ConfigurationDifference.settingPaths.count == expected.count)
  }

  private func snakeCase(_ name: String) -> String {
    name.reduce(into: "") { text, character in
      text += character.isUppercase ? "_\(character.lowercased())" : String(character)
    }
  }
}
