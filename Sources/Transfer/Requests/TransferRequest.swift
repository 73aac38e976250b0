import Codecs

/// One header of a request.
public struct HTTPField: Hashable, Sendable {
  public let name: String
  public let value: String
  /// Credentials, a signature, a token: sent to the request's own host only, and never shown.
  public let isSecret: Bool

  public init(_ name: String, _ value: String, isSecret: Bool = false) {
    self.name = name
    self.value = value
    self.isSecret = isSecret
  }
}

extension HTTPField: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "\(name): \(isSecret ? "(secret)" : value)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["field": description]) }
}

/// What of a remote file is wanted, and what is known of its length.
public enum Extent: Hashable, Sendable {
  /// Bytes `range` of a file of exactly `total` bytes; they are written at the same offsets.
  case exactly(range: Range<Int>, total: Int)
  /// A whole document of unknown length, refused past this many bytes.
  case atMost(Int)

  /// The whole of a file of `total` bytes.
  public static func whole(_ total: Int) -> Extent { .exactly(range: 0..<total, total: total) }

  /// Offset of the first byte wanted.
  public var start: Int {
    switch self {
    case .exactly(let range, _): range.lowerBound
    case .atMost: 0
    }
  }

  /// Offset after the last byte that may ever be written.
  public var end: Int {
    switch self {
    case .exactly(let range, _): range.upperBound
    case .atMost(let limit): limit
    }
  }

  /// The `Range` header's value, when the request must name one.
  public var rangeHeader: String? {
    guard isPartial, case .exactly(let range, _) = self, !range.isEmpty else { return nil }
    return "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
  }

  /// True when the request must name a range.
  public var isPartial: Bool {
    switch self {
    case .exactly(let range, let total): range != 0..<total
    case .atMost: false
    }
  }
}

/// Bounds on one attempt.
public struct TransferLimits: Hashable, Sendable {
  /// Seconds without a byte after which the attempt fails.
  public var idleSeconds = 60.0
  /// Least mean bytes per second, judged after `idleSeconds`; 0 for none.
  public var minimumBytesPerSecond = 1024.0
  /// Seconds for the whole attempt, redirects included.
  public var deadlineSeconds = 3600.0

  public init(idleSeconds: Double = 60, minimumBytesPerSecond: Double = 1024, deadlineSeconds: Double = 3600) {
    self.idleSeconds = idleSeconds
    self.minimumBytesPerSecond = minimumBytesPerSecond
    self.deadlineSeconds = deadlineSeconds
  }
}

/// One GET: what, from where, and what must hold of the answer.
public struct TransferRequest: Hashable, Sendable {
  public var url: RequestURL
  public var headers: [HTTPField]
  public var extent: Extent
  /// Strong ETag that a resumed file must still have (`If-Range`); nil when nothing was kept.
  public var validator: String?
  public var limits: TransferLimits
  /// Plain `http://` to other machines is refused unless the operator allowed it.
  public var allowsPlainHTTP: Bool
  /// Worked out of the bytes as they arrive; nil for none. Only a file that comes whole has one.
  public var digest: DigestAlgorithm?

  public init(
    url: RequestURL, headers: [HTTPField] = [], extent: Extent, validator: String? = nil,
    limits: TransferLimits = TransferLimits(), allowsPlainHTTP: Bool = false, digest: DigestAlgorithm? = nil
  ) {
    self.url = url
    self.headers = headers
    self.extent = extent
    self.validator = validator
    self.limits = limits
    self.allowsPlainHTTP = allowsPlainHTTP
    self.digest = digest
  }
}

/// What an attempt delivered.
public struct TransferReceipt: Hashable, Sendable {
  /// Offset after the last byte now written.
  public var end: Int
  /// Bytes of the body that arrived in this attempt.
  public var moved: Int
  /// The remote's strong ETag.
  public var validator: String?
  /// `Last-Modified`, for documents without an ETag.
  public var lastModified: String?
  /// The digest that was asked for, of all bytes of the file, in lower-case hexadecimal; nil when it is not known.
  public var digest: String?

  public init(
    end: Int, moved: Int, validator: String? = nil, lastModified: String? = nil, digest: String? = nil
  ) {
    self.end = end
    self.moved = moved
    self.validator = validator
    self.lastModified = lastModified
    self.digest = digest
  }
}
