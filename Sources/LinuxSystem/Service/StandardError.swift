import Glibc

/// The process's standard error.
public enum StandardError {
  /// Writes a line whole, so that lines of several threads do not mix; what cannot be written is lost.
  public static func write(line: String) {
    var bytes = Array(line.utf8)
    bytes.append(0x0a)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(STDERR_FILENO, $0.baseAddress.map { $0 + done }, bytes.count - done)
      }
      if count > 0 { done += count } else if errno != EINTR { return }
    }
  }

  /// True when a person reads it.
  public static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
