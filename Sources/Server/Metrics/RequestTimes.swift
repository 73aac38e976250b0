import Synchronization
import WireProtocol

/// The kinds of request whose times are told apart.
enum RequestClass: String, CaseIterable, Sendable {
  case batch, sample, epoch, open, other

  init(_ request: Request) {
    switch request {
    case .batch: self = .batch
    case .sample: self = .sample
    case .epoch: self = .epoch
    case .open: self = .open
    default: self = .other
    }
  }
}

/// How long one connection's requests took, from the request read to its reply written.
///
/// Only its connection's thread writes, so that the lock costs next to nothing; metrics read it now and then.
final class RequestTimes: Sendable {
  private let histograms = Mutex(RequestTimes.none)

  static var none: [Histogram] {
    RequestClass.allCases.map { _ in Histogram(bounds: Histogram.requestSeconds) }
  }

  func observe(_ kind: RequestClass, seconds: Double) {
    let place = Self.place(kind)
    histograms.withLock { $0[place].observe(seconds) }
  }

  /// By kind, in the order of `RequestClass.allCases`.
  var all: [Histogram] { histograms.withLock { $0 } }

  private static func place(_ kind: RequestClass) -> Int {
    switch kind {
    case .batch: 0
    case .sample: 1
    case .epoch: 2
    case .open: 3
    case .other: 4
    }
  }
}
