import Synchronization

/// Whether fetching a large file in several ranges at once is faster than in one piece, learnt by trying: a plain value
/// for one remote host.
///
/// Ranges help only where the server limits each connection; elsewhere they cost. Rates are compared only between files
/// that were alone under way, because among others a file in parts merely takes bandwidth from its neighbours.
struct RangeTrial: Sendable {
  /// Files fetched alone, each way, before a choice is made.
  static let samples = 2
  /// How much faster ranges must be.
  static let advantage = 1.4
  /// Files after which the choice is made anew.
  static let memory = 200

  private var whole: [Double] = []
  private var parts: [Double] = []
  private var sinceChoice = 0

  /// How the next file that is alone should go.
  var wantsParts: Bool {
    if whole.count < Self.samples { return false }
    if parts.count < Self.samples { return true }
    return Self.mean(parts) >= Self.advantage * Self.mean(whole)
  }

  /// A file that was alone arrived at this many bytes per second.
  mutating func arrived(inParts: Bool, bytesPerSecond: Double) {
    if inParts { parts = (parts + [bytesPerSecond]).suffix(Self.samples) }
    if !inParts { whole = (whole + [bytesPerSecond]).suffix(Self.samples) }
    sinceChoice += 1
    if sinceChoice >= Self.memory { self = RangeTrial() }
  }

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
}

/// Into how many ranges a file goes: as many as the operator says, or what has shown to be faster.
public final class RangeAdvisor: Sendable {
  /// Files from this length on may go in ranges.
  public static let leastBytes = 32 << 20
  /// The most ranges of a file.
  public static let mostParts = 16
  /// Ranges tried when nobody says how many.
  static let triedParts = 4

  /// A file under way.
  public struct Ticket: Sendable {
    public let parts: Int
    fileprivate let began: Double
    fileprivate let wasAlone: Bool
  }

  private struct State {
    var trial = RangeTrial()
    var underWay = 0
    var isRefused = false
    /// The one file under way has had company.
    var hadCompany = false
  }

  private let fixed: Int?
  private let clock: TransferClock
  private let state = Mutex(State())

  /// - Parameter parts: ranges for every large file, 1 for none; nil to find out.
  public init(parts: Int? = nil, clock: TransferClock = .steady) {
    fixed = parts.map { min(max($0, 1), Self.mostParts) }
    self.clock = clock
  }

  /// A file of `bytes` begins.
  public func begin(bytes: Int) -> Ticket {
    state.withLock { state in
      state.underWay += 1
      let isAlone = state.underWay == 1
      state.hadCompany = !isAlone
      var parts = 1
      if bytes >= Self.leastBytes, !state.isRefused {
        // Several files at once use several connections already.
        parts = fixed ?? (isAlone && state.trial.wantsParts ? Self.triedParts : 1)
      }
      return Ticket(parts: parts, began: clock.now(), wasAlone: isAlone && bytes >= Self.leastBytes)
    }
  }

  /// The remote answers no requests for ranges: none is made any more.
  public func refuse() { state.withLock { $0.isRefused = true } }

  /// The file is over; `moved` bytes came, 0 when it failed.
  public func end(_ ticket: Ticket, moved: Int) {
    state.withLock { state in
      state.underWay -= 1
      let stayedAlone = ticket.wasAlone && !state.hadCompany
      let seconds = clock.now() - ticket.began
      guard stayedAlone, moved >= Self.leastBytes, seconds > 0 else { return }
      state.trial.arrived(inParts: ticket.parts > 1, bytesPerSecond: Double(moved) / seconds)
    }
  }
}
