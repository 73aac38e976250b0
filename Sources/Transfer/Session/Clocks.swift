import Foundation

/// The two clocks of transfers.
enum Clocks {
  /// Seconds of a clock that never jumps.
  static var steady: Double { ProcessInfo.processInfo.systemUptime }

  /// Unix time in whole seconds, for dates in headers and signatures.
  static var unix: Int { Int(Date().timeIntervalSince1970) }
}
