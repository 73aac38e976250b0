import Glibc

/// The terminal that standard output is, if it is one.
public struct Terminal: Sendable, Hashable {
  public let columns: Int
  public let rows: Int

  /// nil where output goes to a file or a pipe.
  public static var ofStandardOutput: Terminal? {
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return Terminal(columns: 80, rows: 24)
    }
    return Terminal(columns: Int(size.ws_col), rows: Int(size.ws_row))
  }
}
