import DatasetModel
import LinuxSystem
import StreamRegistry

/// What `with:` of a stream of kind `exec` says.
struct ExecSettings: Sendable, Hashable {
  /// Where the command's descriptor 3 leads.
  enum Output: String, Sendable, CaseIterable {
    /// To a pipe: every byte is counted as it comes, in order.
    case pipe
    /// Straight into the file: for programs that write at offsets.
    case file
  }

  /// Absolute path of the program, then its arguments.
  var command: [String]
  /// The stream's own keys, handed to the command as they are.
  var config: ConfigurationValue
  var environment: [String: String]
  var directory: String
  /// Seconds that one run may take.
  var timeout: Double
  /// Bytes of private memory that each process may take.
  var memory: Int
  /// Runs at once.
  var parallel: Int
  /// Longest index.
  var indexBytes: Int
  var output: Output

  init(_ stream: StreamConfiguration) throws(ConfigurationProblems) {
    var reader = stream.withReader()
    let meaning = "the program to run and its arguments ([/usr/bin/python3, /etc/sluice/tar_stream.py])"
    reader.require("command", meaning)
    command = reader.texts("command")
    config = reader.value("config") ?? .null
    environment = Self.environment(&reader)
    directory = reader.text("directory", default: "/")
    timeout = reader.seconds("timeout", default: 3600)
    memory = reader.bytes("memory", atLeast: 16 << 20, default: 4 << 30)
    parallel = reader.integer("parallel", in: 1...256, default: 4)
    indexBytes = reader.bytes("index_bytes", atLeast: 1024, default: 256 << 20)
    let word = reader.choice("output", of: Output.allCases.map(\.rawValue))
    output = word.flatMap(Output.init(rawValue:)) ?? .pipe
    if let program = command.first, !program.hasPrefix("/") {
      reader.report("command", "must begin with an absolute path, not \"\(program)\": no search path is looked through")
    } else if command.isEmpty, reader.has("command") {
      reader.report("command", "must be \(meaning)")
    }
    if !directory.hasPrefix("/") { reader.report("directory", "must be an absolute path, not \"\(directory)\"") }
    if reader.has("config"), config.map == nil { reader.report("config", "must be a map of keys, not \(config.form)") }
    if stream.subdirectories == .discover {
      reader.absorb([
        stream.problem("subdirectories", "cannot be discovered by kind exec; list them, or leave them out")
      ])
    }
    try reader.finish()
  }

  /// The command's whole environment: a search path, a locale, where systemd put credentials, and the stream's own.
  private static func environment(_ reader: inout ConfigurationReader) -> [String: String] {
    var environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"]
    environment["CREDENTIALS_DIRECTORY"] = EnvironmentVariable.value("CREDENTIALS_DIRECTORY")
    guard let value = reader.value("environment") else { return environment }
    guard let map = value.map else {
      reader.report("environment", "must be a map of names to texts, not \(value.form)")
      return environment
    }
    for entry in map.entries {
      let text = entry.value.text ?? entry.value.spelling
      guard let text, !text.utf8.contains(0), !entry.key.isEmpty, !entry.key.contains("="), !entry.key.utf8.contains(0)
      else {
        let path = "\(reader.keyPath("environment")).\(entry.key)"
        let message = "must be a name without = and a text"
        reader.absorb([ConfigurationProblem(line: entry.line, keyPath: path, message: message)])
        continue
      }
      environment[entry.key] = text
    }
    return environment
  }
}
