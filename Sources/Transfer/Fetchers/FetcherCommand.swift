import LinuxSystem

/// How a fetcher process is started.
public struct FetcherCommand: Sendable {
  public var executable: String
  /// Without the name.
  public var arguments: [String]
  /// All that the process finds in its environment: never the daemon's credentials.
  public var environment: [String: String]

  public init(executable: String, arguments: [String], environment: [String: String] = Self.inherited) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
  }

  /// This very executable in its other mode: whatever daemon runs, its fetchers are its own.
  public static var thisExecutable: FetcherCommand {
    FetcherCommand(executable: "/proc/self/exe", arguments: [FetcherProcess.argument])
  }

  /// The variables that a fetcher is given: proxies, trust, language, where libraries and temporary files are.
  public static var inherited: [String: String] {
    let names = [
      "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
      "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PATH",
    ]
    var environment: [String: String] = [:]
    for name in names { environment[name] = EnvironmentVariable.value(name) }
    // A fetcher that crashes is replaced at once, not after a minute of symbolication.
    environment["SWIFT_BACKTRACE"] = "enable=no"
    return environment
  }
}

/// What happens to fetcher processes, for the log.
public enum FetcherEvent: Sendable, CustomStringConvertible {
  case started(processID: Int32)
  case ended(processID: Int32?, reason: String, requestsUnderWay: Int)

  public var description: String {
    switch self {
    case .started(let processID): "fetcher \(processID) started"
    case .ended(let processID, let reason, let requests):
      "fetcher \(processID.map(String.init) ?? "(not started)") \(reason), with \(requests) requests under way"
    }
  }
}
