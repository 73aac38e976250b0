import Glibc

/// The process's environment.
public enum EnvironmentVariable {
  /// The value, or nil if it is not set.
  public static func value(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Forgets a variable. For the start of the process only: other threads must not read the environment meanwhile.
  static func remove(_ name: String) { unsetenv(name) }

  /// Every variable, for a child that is to have them all.
  public static var all: [String: String] {
    var variables: [String: String] = [:]
    var place = environ
    while let entry = place.pointee {
      let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
      place += 1
    }
    return variables
  }
}
