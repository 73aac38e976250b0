import DatasetModel
import StreamRegistry
import Testing

@testable import DaemonConfiguration

@Suite struct ConfigurationTests {
  @Test func whatAFileNeedNotSay() throws {
    let configuration = try parse("")
    #expect(configuration.socket.path == "/run/sluice/sluiced.sock")
    #expect(configuration.socket.mode == 0o660)
    #expect(configuration.cache.directory == "/c")
    #expect(configuration.cache.limit == 1 << 30)
    #expect(configuration.limits.inlineBytes == 4096)
    #expect(configuration.http.listen == nil)
    #expect(configuration.log.level == .info && configuration.log.format == .auto)
    #expect(!configuration.inlineDatasets.isEnabled)
    #expect(configuration.streams.isEmpty && configuration.datasets.isEmpty)
  }

  @Test func everyProblemAtOnceWithFileLineAndKey() {
    let text = """
      socket:
        mode: "999"
        pth: /run/x.sock
      streams:
        pile:
          remot: https://h/p
          download_retry: 0
        "a b": {local: /d}
      datasets:
        pretrain:
          streams: [{stream: pil, proportion: 1}]
          batch_size: 0
          shufle: true
      log: {level: loud}
      drain: 5
      """
    #expect(
      problems(text) == [
        "t.yaml:3: socket.mode: must be permission bits in octal, \"0660\" for the owner and the group",
        "t.yaml:4: socket.pth: unknown key; did you mean \"path\"?",
        "t.yaml:6: streams.pile: needs \"remote\" (https://…, s3://…) or \"local\" (a directory on this machine), "
          + "or a \"kind\"",
        "t.yaml:7: streams.pile.remot: unknown key; did you mean \"remote\"?",
        "t.yaml:8: streams.pile.download_retry: must be a whole number from 1 to 100, not 0",
        "t.yaml:9: streams.a b: cannot name a stream; use up to 128 letters, digits, _, - and . (not . or - first)",
        "t.yaml:12: datasets.pretrain.streams[0].stream: no stream \"pil\"; registered are a b, pile; "
          + "did you mean \"pile\"?",
        "t.yaml:13: datasets.pretrain.batch_size: must be a whole number from 1 to 16777216, not 0",
        "t.yaml:14: datasets.pretrain.shufle: unknown key; did you mean \"shuffle\"?",
        "t.yaml:15: log.level: must be one of trace, debug, info, notice, warning, error, critical",
        "t.yaml:16: drain: unknown key; known are access, cache, datasets, drain_seconds, http, idle_seconds, "
          + "inline_datasets, limits, log, plans, socket, streams, transfer, wait_seconds",
      ])
  }

  @Test(arguments: [
    ("socket: {path: run/x.sock}", "absolute path"), ("socket: {mode: 0440}", "shuts out"),
    ("socket: {group: -1}", "a name or a number"), ("socket: {path: /a, admin_path: /a}", "is the trainers' socket"),
    ("socket: {path: /\(String(repeating: "x", count: 120))}", "at most 107"), ("socket: 5", "must be a map of keys"),
    ("access: {users: root}", "must be a list"), ("access: {admins: [[a]]}", "admins[0]"),
    ("http: {listen: 9464}", "must be text (put it in quotes)"), ("http: {listen: localhost}", "host:port"),
    ("http: {listen: '::1:80'}", "host:port"), ("http: {listen: 'unix:run'}", "host:port"),
    ("transfer: {fetchers: 0}", "from 1 to 64"), ("transfer: {minimum_rate: fast}", "a number of bytes"),
    ("transfer: {retry_seconds: 90}", "is less than retry_seconds"), ("limits: {frame_bytes: 4}", "at least 4.0 KiB"),
    ("limits: {batch_bytes: 4gb}", "at most 3gb"), ("drain_seconds: -1", "must be seconds"),
    ("wait_seconds: 0", "must be seconds above 0"), ("plans: {limit: -5}", "a number of bytes"),
    ("streams: [a]", "must be a map of names"), ("streams: {s: 5}", "must be a map of keys"),
    ("datasets: {d: {}}", "\"streams\" is missing"), ("datasets: {d: {streams: []}}", "at least one stream"),
    ("datasets: {d: {streams: {s: 1}}}", "at least one stream"), ("log: {format: xml}", "auto, text, json, journal"),
  ])
  func impossibleValues(text: String, message: String) { expectProblem(text, message) }

  @Test func theCacheMustBeGiven() {
    let none = #expect(throws: ConfigurationError.self) { try Configuration.parse(text: "log: {}", file: "f") }
    #expect(none?.description.contains("\"cache\" is missing") == true)
    let half = #expect(throws: ConfigurationError.self) { try Configuration.parse(text: "cache: {}", file: "f") }
    #expect(half?.problems.count == 2)
    let root = #expect(throws: ConfigurationError.self) {
      try Configuration.parse(text: "cache: {directory: /, limit: 0}", file: "f")
    }
    #expect(root?.description == "f:1: cache.directory: cannot be the root of the file system")
    #expect(throws: ConfigurationError.self) { try Configuration.parse(text: "", file: "f") }
    #expect(throws: ConfigurationError.self) { try Configuration.parse(text: "- 1", file: "f") }
  }

  @Test func twoStreamsMayNotShareALocalDirectory() throws {
    let text = "streams:\n  a: {local: /d/x}\n  b: {local: /d//x/, remote: 's3://b/k'}\n"
    #expect(
      problems(text) == [
        "t.yaml:4: streams.b.local: stream a has the local directory /d/x already; give each stream its own"
      ])
    #expect(try parse("streams: {a: {local: /d, split: t}, b: {local: /d, split: v}}").streams.count == 2)
    expectProblem("streams: {a: {local: /d, split: t}, b: {local: /d/t}}", "has the local directory /d/t already")
    expectProblem("streams: {a: {local: /c/inside}}", "overlaps the cache's directory")
    expectProblem("streams: {a: {local: /}}", "overlaps the cache's directory")
    #expect(problems("streams: {a: {local: /cc}}").isEmpty)
  }

  @Test func kindsCheckTheirKeysInTheSamePass() throws {
    var registry = StreamRegistry()
    try registry.register("https") { configuration in
      var reader = configuration.withReader()
      _ = reader.integer("retries")
      try reader.finish()
      return NoSource()
    }
    let text = "streams:\n  a: {remote: 'https://h/p', with: {retires: 1}}\n  b: {remote: 's4://b/k'}\nlgo: {}\n"
    #expect(
      problems(text, registry: registry) == [
        "t.yaml:3: streams.a.with.retires: unknown key; did you mean \"retries\"?",
        "t.yaml:4: streams.b.remote: no kind for s4:// remotes; known are https",
        "t.yaml:5: lgo: unknown key; did you mean \"log\"?",
      ])
    let good = try parse("streams: {a: {remote: 'https://h/p', with: {retries: 1}}}", registry: registry)
    #expect(try good.sources(from: registry, file: "f").keys.map(\.rawValue) == ["a"])
  }

  @Test func secretsAreNeverEchoed() {
    let text = """
      streams:
        a:
          remote: https://bob:hunter2@h/p?sig=hunter2
          credentials: hunter2
        b: {remote: "s3://b/k", credentials: {secret_access_key: [hunter2]}, with: hunter2}
      """
    let all = problems(text)
    #expect(all.count == 4)
    #expect(!all.joined().contains("hunter2"))
  }

  @Test func filesThatCannotBeRead() {
    let missing = #expect(throws: ConfigurationError.self) { try Configuration.load(path: "/nonexistent/s.yaml") }
    #expect(missing?.description.hasPrefix("/nonexistent/s.yaml: cannot be read: ") == true)
    #expect(throws: ConfigurationError.self) { try Configuration.load(path: "/") }
    let binary = #expect(throws: ConfigurationError.self) { try Configuration.load(path: "/proc/self/exe") }
    #expect(binary?.description.isEmpty == false)
  }
}

/// A source that has nothing.
struct NoSource: StreamSource {
  var location: String { "nowhere" }
  func manifest() async throws -> ManifestAnswer { .documents([], validator: nil) }
  func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt {
    throw StreamSourceError(.notFound, "nowhere has nothing")
  }
}
