import StreamRegistry
import Testing

@Suite struct StreamConfigurationTests {
  @Test func defaultsAreTheReferences() {
    let (stream, problems) = stream(["remote": .text("https://data.example.com/pile")])
    #expect(problems.isEmpty)
    #expect(stream.kind == "https")
    #expect(stream.downloadRetry == 2)
    #expect(stream.downloadTimeout == 60)
    #expect(stream.validateHash == nil)
    #expect(stream.keepZip == false)
    #expect(stream.cacheLimit == nil)
    #expect(stream.subdirectories == .none)
    #expect(stream.location == "https://data.example.com/pile")
    #expect(stream.keyPath == "streams.pile")
  }

  @Test(arguments: [
    ("https://h/p", "https"), ("HTTP://localhost/p", "http"), ("s3://b/k", "s3"), ("gs://b/k", "gs"),
    ("azure://a/c/b", "azure"), ("hf://datasets/o/n", "hf"), ("/data/pile", "local"), ("lance://x/y", "lance"),
  ])
  func kindFollowsTheScheme(remote: String, kind: String) {
    #expect(stream(["remote": .text(remote)]).stream.kind == kind)
    #expect(stream(["remote": .text(remote), "kind": .text("exec")]).stream.kind == "exec")
  }

  @Test(arguments: [
    ("https://user:pw@h/p", "must not hold a user or password"), ("https://h/p?sig=abc", "must not hold a query"),
    ("http://h/p", "plain http is accepted from this machine only"), ("file:///data", "write a path"),
    ("s3:///key", "names no host or bucket"), ("data/pile", "must be an absolute path or a URL"),
  ])
  func remotesThatCannotBe(remote: String, message: String) {
    let problems = stream(["remote": .text(remote)]).problems
    #expect(problems.count == 1)
    #expect(problems.first?.message.contains(message) == true)
    #expect(problems.first?.description.contains("pw") == false)
    #expect(problems.first?.keyPath == "streams.pile.remote")
  }

  @Test(arguments: ["http://localhost:9000/p", "http://127.0.0.1/p", "http://[::1]:80/p"])
  func plainHTTPFromThisMachine(remote: String) {
    #expect(stream(["remote": .text(remote)]).problems.isEmpty)
  }

  @Test func plainHTTPWhenAllowed() {
    #expect(stream(["remote": .text("http://h/p"), "allow_http": .bool(true)]).problems.isEmpty)
    #expect(!stream(["remote": .text("http://127.evil.example/p")]).problems.isEmpty)
  }

  @Test func everyProblemAtOnce() {
    let (_, problems) = stream([
      "remot": .text("https://h/p"), "local": .text("pile"), "split": .text("../train"), "download_retry": .integer(0),
      "download_timeout": .integer(0), "validate_hash": .text("xxh46"), "keep_zip": .text("yes"),
      "subdirectories": .text("all"), "with": .text("x"), "cache_limit": .text("-1"),
    ])
    let keys = Set(problems.map(\.keyPath).map { $0.split(separator: ".").last.map(String.init) ?? "" })
    #expect(
      keys == [
        "remot", "local", "split", "download_retry", "download_timeout", "validate_hash", "keep_zip", "subdirectories",
        "with", "cache_limit",
      ])
    #expect(problems.count == 10)
  }

  @Test func subdirectoriesAsAListOrDiscovered() {
    let list = ConfigurationValue.Content.list([ConfigurationValue(.text("en")), ConfigurationValue(.text("de/a"))])
    let (listed, none) = stream(["remote": .text("s3://b/k"), "subdirectories": list])
    #expect(listed.subdirectories == .list(["en", "de/a"]) && none.isEmpty)
    #expect(
      stream(["remote": .text("s3://b/k"), "subdirectories": .text("discover")]).stream.subdirectories == .discover)
    let twice = ConfigurationValue.Content.list([ConfigurationValue(.text("en")), ConfigurationValue(.text("en"))])
    #expect(stream(["remote": .text("s3://b/k"), "subdirectories": twice]).problems.count == 1)
  }

  @Test func neitherRemoteNorLocal() {
    #expect(stream([:]).problems.first?.message.contains("needs \"remote\"") == true)
    #expect(stream(["kind": .text("s3")]).problems.first?.message.contains("\"remote\" is missing") == true)
    #expect(stream(["kind": .text("synthetic")]).problems.isEmpty)
  }

  @Test func printingNeverShowsSecrets() {
    let (stream, _) = stream([
      "remote": .text("s3://user:swordfish@bucket/key?sig=swordfish"),
      "credentials": .map(ConfigurationMap([.init(key: "secret", value: ConfigurationValue(.text("swordfish")))])),
      "with": .map(ConfigurationMap([.init(key: "token", value: ConfigurationValue(.text("swordfish")))])),
    ])
    var text = "\(stream) \(String(reflecting: stream)) \(stream.location)"
    dump(stream, to: &text)
    #expect(!text.contains("swordfish"))
    #expect(stream.location == "s3://bucket/key")
  }

  @Test func equalWhereverItStands() {
    var (left, _) = stream(["remote": .text("https://h/p")])
    var right = left
    right.line = 99
    #expect(left == right)
    left.credentials = ConfigurationValue(.text("x"))
    #expect(left != right)
  }
}
