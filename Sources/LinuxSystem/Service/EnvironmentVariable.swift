import Glibc

/// The process's environment.
public enum EnvironmentVariable {
  /// The value, or nil if it is not set.
  public static func value(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Forgets a variable. For the start of the process only: other threads must not read the environment meanwhile.
  static func remove(_ name: String) { unsetenv(name) }
}
