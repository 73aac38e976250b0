import DatasetModel
import StreamRegistry
import Testing

@testable import DaemonConfiguration

@Suite struct InlineDatasetTests {
  private static let rules = """
    inline_datasets:
      allow:
        - https://data.example.com/public/
        - remote: s3://team/experiments
          with: {region: eu}
          credentials: {profile: training}
        - {remote: 'http://mirror.example/', allow_http: true}
        - {kind: synthetic, client_keys: all}
        - {kind: exec, with: {command: [/bin/x]}, client_keys: [config]}
    """

  private func open(
    _ document: String, rules text: String = InlineDatasetTests.rules
  ) throws(ConfigurationError) -> InlineDataset {
    try DatasetConfiguration.parse(
      document: document, rules: try parse(text).inlineDatasets, registered: ["pile", "code"])
  }

  private func refusal(_ document: String, rules: String = InlineDatasetTests.rules) -> String {
    do throws(ConfigurationError) {
      _ = try open(document, rules: rules)
      return "accepted"
    } catch { return error.description }
  }

  @Test func streamsOfTheClientsOwn() throws {
    let dataset = try open(
      """
      {"streams": [{"remote": "https://DATA.example.com/public/a", "split": "train", "proportion": 0.5,
                    "download_retry": 3},
                   {"remote": "s3://team/experiments/b", "proportion": 0.25},
                   {"stream": "pile", "proportion": 0.25}],
       "batch_size": 16, "shuffle": true}
      """)
    #expect(dataset.specification.options.batchSize == 16)
    #expect(dataset.specification.streams.map(\.weight) == [.proportion(0.5), .proportion(0.25), .proportion(0.25)])
    #expect(dataset.specification.streams[2].stream == "pile")
    #expect(dataset.streams.map(\.name) == dataset.specification.streams.prefix(2).map(\.stream))
    #expect(dataset.streams[0].kind == "https" && dataset.streams[0].split == "train")
    #expect(dataset.streams[0].downloadRetry == 3)
    #expect(dataset.streams[0].credentials.isNull)
    #expect(dataset.streams[1].credentials.map?["profile"]?.text == "training")
    #expect(dataset.streams[1].with.map?["region"]?.text == "eu")
  }

  @Test func equalStreamsHaveOneName() throws {
    let first = try open("{\"streams\": [{\"kind\": \"synthetic\", \"with\": {\"seed\": 1, \"shards\": 2}}]}")
    let same = try open("{\"streams\": [{\"with\": {\"shards\": 2, \"seed\": 1}, \"kind\": \"synthetic\"}]}")
    let other = try open("{\"streams\": [{\"kind\": \"synthetic\", \"with\": {\"seed\": 2, \"shards\": 2}}]}")
    #expect(first.streams[0].name == same.streams[0].name)
    #expect(first.streams[0].name != other.streams[0].name)
    #expect(first.streams[0].name.rawValue.hasPrefix("synthetic:synthetic#"))
  }

  @Test func plainHTTPWhereARulePermitsIt() throws {
    #expect(try open("{\"streams\": [{\"remote\": \"http://mirror.example/a\"}]}").streams[0].allowHTTP)
  }

  @Test(arguments: [
    "https://data.example.com/private/a", "https://data.example.com/publicity",
    "https://data.example.com.evil/public/a",
    "https://data.example.com:444/public/a", "https://evil/data.example.com/public/", "s3://team",
    "s3://team/experiment",
    "s3://teamexperiments/x", "http://data.example.com/public/a", "/data/pile", "data/pile", "file:///data/pile",
    "https://data.example.com/public/../private", "https://data.example.com/public/%2e%2e/private",
    "https://data.example.com/public/%2E./private", "https://data.example.com/public//a",
    "https://data.example.com/public/a?x=1", "https://data.example.com/public/a#x",
    "https://u:p@data.example.com/public/a",
    "https://data.example.com\\\\@evil/public/a", "https://data.example.com/public/%252e%252e/x",
    "https://data.example.com/public/a\\u0000", "https://data.example.com/public/ a", "https:///public/a", "s3://",
  ])
  func remotesOutsideTheRules(remote: String) {
    let answer = refusal("{\"streams\": [{\"remote\": \"\(remote)\"}]}")
    #expect(answer.hasPrefix("inline dataset:1: streams[0].remote: "), "\(answer)")
  }

  @Test(arguments: [
    ("\"local\": \"/etc\"", "no client may name a path"), ("\"credentials\": {\"command\": [\"id\"]}", "cannot be set"),
    ("\"allow_http\": true", "cannot be set by a client"), ("\"cache_limit\": 5", "cannot be set by a client"),
    ("\"with\": {\"endpoint\": \"https://evil\"}", "with.endpoint: cannot be set by a client"),
    ("\"split\": \"../x\"", "below the stream's root"), ("\"split\": \"%2e%2e/x\"", "spelled plainly"),
    ("\"subdirectories\": [\"a\\\\b\"]", "spelled plainly"), ("\"kind\": \"local\"", "not permitted here"),
    ("\"kind\": \"exec\"", "not permitted here"), ("\"proportoin\": 1", "did you mean \"proportion\""),
  ])
  func keysThatOnlyTheOperatorSets(key: String, message: String) {
    let answer = refusal("{\"streams\": [{\"remote\": \"https://data.example.com/public/a\", \(key)}]}")
    #expect(answer.contains(message), "\(answer)")
  }

  @Test func kindsOfTheRules() throws {
    let given = try open("{\"streams\": [{\"kind\": \"exec\", \"with\": {\"config\": {\"a\": 1}}}]}")
    #expect(given.streams[0].with.map?["command"]?.list?.count == 1)
    #expect(given.streams[0].with.map?["config"]?.map?["a"]?.content == .integer(1))
    let command = "{\"streams\": [{\"kind\": \"exec\", \"with\": {\"command\": [\"id\"]}}]}"
    #expect(refusal(command).contains("with.command: cannot be set by a client"))
    #expect(refusal("{\"streams\": [{\"kind\": \"exec\", \"with\": {\"environment\": {}}}]}").contains("cannot be set"))
    #expect(
      refusal("{\"streams\": [{\"kind\": \"lance\"}]}").contains("this kind is not permitted here; permitted are"))
    #expect(
      refusal("{\"streams\": [{\"kind\": \"local\", \"local\": \"/etc\"}]}").contains("no client may name a path"))
    #expect(refusal("{\"streams\": [{}]}") != "accepted")
  }

  @Test func withoutTheSectionNothingIsPermitted() {
    let answer = refusal("{\"streams\": [{\"stream\": \"pile\"}]}", rules: "")
    #expect(answer.contains("inline datasets are not permitted here"))
    let closed = "inline_datasets: {registered_streams: false, allow: ['s3://b/']}"
    #expect(refusal("{\"streams\": [{\"stream\": \"pile\"}]}", rules: closed).contains("are not open to inline"))
    #expect(refusal("{\"streams\": [{\"stream\": \"pile\"}]}", rules: "inline_datasets: {}") == "accepted")
  }

  @Test func boundsOnWhatAClientSends() {
    let long = "{\"streams\": [{\"stream\": \"pile\"}], \"x\": \"\(String(repeating: "y", count: 300_000))\"}"
    #expect(refusal(long).contains("inline_datasets.max_bytes is 262144"))
    let many = (0..<65).map { "{\"remote\": \"s3://team/experiments/\($0)\"}" }.joined(separator: ",")
    #expect(refusal("{\"streams\": [\(many)]}").contains("max_streams is 64"))
    #expect(refusal("streams: [pile]").contains("is not"))
    #expect(refusal("{\"streams\": [\"pile\"]}") == "accepted")
    #expect(refusal("{}").contains("\"streams\" is missing"))
    #expect(refusal("{\"streams\": [5]}").contains("must be a map of keys"))
  }

  @Test(arguments: [
    ("[/data]", "must be a URL"), ("[{remote: 'https://h/a?b'}]", "must not hold"), ("[{}]", "permits nothing"),
    ("[{kind: local}]", "cannot be local"), ("[{kind: exec}]", "exec needs its command here"),
    ("[{kind: exec, with: {command: [a]}, client_keys: all}]", "[config] at most"), ("[5]", "must be a remote"),
    ("s3://b/", "must be a list of remotes"), ("[{remote: 's3://b/', client_keys: some}]", "the word all"),
    ("[{remote: 's3://b/../c'}]", "spelled plainly"), ("['s3://b//c']", "spelled plainly"),
  ])
  func rulesThatCannotBe(allow: String, message: String) {
    expectProblem("inline_datasets: {allow: \(allow)}", message)
  }
}
