import DatasetModel
import LinuxSystem
import StreamRegistry
import SystemPackage

/// Kind `exec`: a stream that a command of the operator's serves, in any language.
///
/// The command is started once for each request. It reads one JSON object from its standard input:
///
/// ```json
/// {"version": 1, "request": "fetch", "stream": "scans", "remote": null, "split": null, "config": {…},
///  "credentials": null, "path": "shard.00000.mds", "bytes": 67108864, "output": {"descriptor": 3, "path": "/dev/fd/3"}}
/// ```
///
/// - `"request": "manifest"` (with `"subdirectory"` instead of `path` and `bytes`): it writes an index.json of version 2.
/// - `"request": "fetch"`: it writes the file, exactly `bytes` bytes.
///
/// It writes to descriptor 3 and ends with status 0. Its standard output and error go to the daemon's log. Status 66
/// says that the file is not there, 77 that access is refused, 64 or 78 that the configuration is wrong; any other, a
/// signal, silence, and too few or too many bytes are worth another try. What it leaves running is ended with it.
public struct ExecStream: StreamSource {
  private let configuration: StreamConfiguration
  private let settings: ExecSettings
  private let slots: ExecSlots
  private let log: @Sendable (String) -> Void

  /// - Parameters:
  ///   - configuration: the stream; its `with` holds the command.
  ///   - log: takes the lines that commands print; cheap and callable from any thread.
  /// - Throws: everything that is wrong with `with`.
  public init(
    _ configuration: StreamConfiguration, log: @escaping @Sendable (_ stream: StreamName, _ line: String) -> Void
  ) throws(ConfigurationProblems) {
    let name = configuration.name
    self.configuration = configuration
    settings = try ExecSettings(configuration)
    slots = ExecSlots(settings.parallel)
    self.log = { log(name, $0) }
  }

  /// Registers the kind under the name `exec`.
  public static func register(
    in registry: inout StreamRegistry, log: @escaping @Sendable (_ stream: StreamName, _ line: String) -> Void
  ) throws(StreamRegistryError) {
    try registry.register("exec") { try ExecStream($0, log: log) }
  }

  public var location: String { configuration.location }

  public func manifest() async throws -> ManifestAnswer {
    let subdirectories =
      if case .list(let list) = configuration.subdirectories { list } else { [""] }
    var documents: [IndexDocument] = []
    var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    for subdirectory in subdirectories {
      let bytes = try await index(subdirectory)
      // FNV-1a: tells this index from the last one, which is all that a validator is for.
      for byte in bytes { digest = (digest ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
      documents.append(IndexDocument(subdirectory: subdirectory, bytes: bytes))
    }
    return .documents(documents, validator: String(digest, radix: 16))
  }

  private func index(_ subdirectory: String) async throws -> [UInt8] {
    let what = "the index of \(location)\(subdirectory.isEmpty ? "" : ", \(subdirectory)")"
    let pace = ExecPace(idleSeconds: .infinity, minimumBytesPerSecond: 0, deadlineSeconds: settings.timeout)
    let watcher = ExecIndexWatcher(limit: settings.indexBytes, pace: pace, lines: ExecLogLines(log))
    let request = self.request("manifest", [("subdirectory", .text(subdirectory))])
    var (outcome, end) = try await run(settings.program, request, .observer, watcher, what)
    end.lines.finish()
    let promised = "\(settings.indexBytes) bytes (index_bytes)"
    if let error = ExecFailure.error(
      outcome, fault: end.fault, what: what, given: end.bytes.count, promised: promised)
    {
      throw error
    }
    if end.bytes.isEmpty {
      throw StreamSourceError(.transient, "\(what): the command ended well, but wrote nothing", cause: "truncated")
    }
    return end.bytes
  }

  public func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt {
    let what = "\(request.path) of \(location)"
    let pace = ExecPace(
      idleSeconds: request.limits.idleSeconds, minimumBytesPerSecond: request.limits.minimumBytesPerSecond,
      deadlineSeconds: min(settings.timeout, request.limits.deadlineSeconds))
    let isDirect = settings.output == .file
    let watcher = ExecFileWatcher(
      staging: staging, expected: request.bytes, isDirect: isDirect, pace: pace, lines: ExecLogLines(log))
    var program = settings.program
    var output = ExecOutput.observer
    if isDirect {
      program.fileBytes = max(1, request.bytes)
      output = .file(staging.descriptor)
      do throws(SystemError) {
        // Its length will say how much was written.
        try staging.descriptor.truncate(to: 0)
      } catch { throw ExecFailure.disk(error, what) }
    }
    let input = self.request("fetch", [("path", .text(request.path)), ("bytes", .integer(request.bytes))])
    var (outcome, end) = try await run(program, input, output, watcher, what)
    end.lines.finish()
    if isDirect, end.fault == nil { end.look(at: 0) }
    if let error = ExecFailure.error(
      outcome, fault: end.fault, what: what, given: end.pace.bytes, promised: "the \(request.bytes) bytes of its index")
    {
      throw error
    }
    guard end.pace.bytes == request.bytes else {
      throw StreamSourceError(
        .transient, "\(what): the command ended well, but wrote \(end.pace.bytes) of \(request.bytes) bytes",
        cause: "truncated")
    }
    return FetchReceipt(bytes: request.bytes, moved: request.bytes)
  }

  private func run<Watcher: ExecWatcher>(
    _ program: ExecCommand, _ input: ConfigurationValue, _ output: ExecOutput, _ watcher: Watcher, _ what: String
  ) async throws -> (ExecOutcome, Watcher) {
    do {
      return try await slots.run {
        let answer = await program.run(input: Array((input.json + "\n").utf8), output: output, observer: watcher)
        return (answer.outcome, answer.observer)
      }
    } catch is CancellationError { throw ExecFailure.cancelled(what) }
  }

  private func request(_ verb: String, _ own: [(String, ConfigurationValue.Content)]) -> ConfigurationValue {
    func text(_ value: String?) -> ConfigurationValue.Content { value.map { .text($0) } ?? .null }
    let output: [(String, ConfigurationValue.Content)] = [("descriptor", .integer(3)), ("path", .text("/dev/fd/3"))]
    let keys: [(String, ConfigurationValue.Content)] =
      [
        ("version", .integer(1)), ("request", .text(verb)), ("stream", .text(configuration.name.rawValue)),
        ("remote", text(configuration.remote)), ("split", text(configuration.split)),
        ("config", settings.config.isNull ? .map(ConfigurationMap()) : settings.config.content),
        ("credentials", configuration.credentials.content),
      ] + own + [("output", map(output))]
    return ConfigurationValue(map(keys))
  }

  private func map(_ keys: [(String, ConfigurationValue.Content)]) -> ConfigurationValue.Content {
    .map(ConfigurationMap(keys.map { ConfigurationMap.Entry(key: $0, value: ConfigurationValue($1)) }))
  }
}

extension ExecSettings {
  /// The command as it is started.
  var program: ExecCommand {
    var program = ExecCommand(
      executable: command.first ?? "", arguments: Array(command.dropFirst()), environment: environment,
      directory: directory)
    program.memoryBytes = memory
    return program
  }
}
