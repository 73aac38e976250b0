import DatasetModel
import LinuxSystem
import StreamRegistry
import SystemPackage
import Testing

@testable import DaemonConfiguration

/// Every file under `config/` is what it says it is.
@Suite struct ExamplesTests {
  private static let directory = FilePath(#filePath).removingLastComponent().removingLastComponent()
    .removingLastComponent().appending("config")

  private func path(_ name: String) -> String { Self.directory.appending(name).string }

  @Test(arguments: ["sluice.yaml", "minimal.yaml", "s3-compatible.yaml"])
  func parses(name: String) throws {
    let configuration = try Configuration.load(path: path(name))
    #expect(!configuration.streams.isEmpty && !configuration.datasets.isEmpty)
  }

  @Test func theCompleteOneSaysWhatItMeans() throws {
    let configuration = try Configuration.load(path: path("sluice.yaml"))
    #expect(configuration.cache.limit == 500 << 30)
    #expect(configuration.stream("pile")?.downloadRetry == 4)
    #expect(configuration.stream("pile")?.kind == "https")
    #expect(configuration.stream("code")?.subdirectories == .list(["python", "rust"]))
    #expect(configuration.stream("scans")?.kind == "exec")
    #expect(configuration.dataset("pretrain")?.specification.options.batchSize == 32)
    #expect(configuration.http.listen == .tcp(host: "127.0.0.1", port: 9464))
    #expect(configuration.inlineDatasets.allow.count == 3)
    #expect(configuration.access.admins == [.name("root")])
  }

  /// A key that is commented out must be one that exists: uncommented, the file still parses.
  @Test func commentedKeysOfTheCompleteOneAreRight() throws {
    let text = try read("sluice.yaml")
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
      let body = line.drop { $0 == " " }
      guard body.hasPrefix("# "), let key = body.dropFirst(2).firstIndex(of: ":") else { return String(line) }
      let name = body.dropFirst(2)[..<key]
      let isKey = !name.isEmpty && name.utf8.allSatisfy { (0x61...0x7a).contains($0) || $0 == 0x5f }
      return isKey ? String(line.prefix(line.count - body.count) + body.dropFirst(2)) : String(line)
    }
    let uncommented = lines.joined(separator: "\n")
    #expect(uncommented.count { $0 == "#" } < text.count { $0 == "#" } - 15)
    let configuration = try Configuration.parse(text: uncommented, file: "sluice.yaml, uncommented")
    #expect(configuration.dataset("pretrain")?.specification.options.epochSize == 1_500_000)
    #expect(configuration.dataset("pretrain")?.specification.predownload == 4096)
    #expect(configuration.socket.adminPath == "/run/sluice/admin.sock")
    #expect(configuration.access.users?.map(\.description) == ["alice", "1001"])
  }

  /// The example tells operators of every setting when a change of it takes effect.
  @Test func theExampleSaysWhenEverySettingTakesEffect() throws {
    let example = try read("sluice.yaml")
    let titles: [(ConfigurationDifference.Effect, String)] = [
      (.atOnce, "at once:"), (.newConnections, "new connections:"), (.restart, "a restart:"),
    ]
    var told: [String: [String]] = [:]
    var title: String?
    for line in example.split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("#  ") else {
        title = nil
        continue
      }
      var words = line.dropFirst()
      if let found = titles.first(where: { words.drop { $0 == " " }.hasPrefix($0.1) })?.1 {
        title = found
        words = words.drop { $0 == " " }.dropFirst(found.count)
      }
      if let title { told[title, default: []] += words.split(separator: " ").map(String.init) }
    }
    for (effect, title) in titles {
      #expect(Set(told[title] ?? []) == Set(ConfigurationDifference.settingPaths(effect)), "\(title)")
    }
  }

  @Test func kubernetesManifestsAreYAMLAndHoldAConfigurationThatParses() throws {
    let documents = try read("kubernetes/daemonset.yaml").split(separator: "\n---\n").map { text in
      try #require(try YAMLDocument.parse(String(text)).map)
    }
    #expect(documents.map { $0["kind"]?.text } == ["Namespace", "ConfigMap", "DaemonSet", "Pod"])
    for document in documents {
      #expect(document["apiVersion"]?.text != nil && document["metadata"]?.map?["name"]?.text != nil)
    }
    let inner = try #require(documents[1]["data"]?.map?["sluice.yaml"]?.text)
    let configuration = try Configuration.parse(text: inner, file: "ConfigMap")
    let template = try #require(documents[2]["spec"]?.map?["template"]?.map?["spec"]?.map)
    let container = try #require(template["containers"]?.list?.first?.map)
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
      let command = container[probe]?.map?["exec"]?.map?["command"]?.list?.compactMap(\.text)
      #expect(command?.prefix(2) == ["sluice", "health"])
    }
    let grace = template["terminationGracePeriodSeconds"]?.content
    #expect(grace == .integer(90) && configuration.drainSeconds < 90)
    // Both sides mount the directory of the socket that the configuration names.
    let directory = FilePath(configuration.socket.path).removingLastComponent().string
    let trainer = try #require(documents[3]["spec"]?.map?["containers"]?.list?.first?.map)
    for container in [container, trainer] {
      let mounts = container["volumeMounts"]?.list?.compactMap { $0.map?["mountPath"]?.text }
      #expect(mounts?.contains(directory) == true)
    }
  }

  private func read(_ name: String) throws -> String {
    let file = OwnedDescriptor(
      adopting: try FileDescriptor.open(FilePath(path(name)), .readOnly, options: .closeOnExec).rawValue)
    return String(decoding: try file.read(count: try file.size(), at: 0), as: UTF8.self)
  }
}
