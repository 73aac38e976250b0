/// The head of an answer, as far as it is judged.
struct ResponseHead: Sendable {
  var status: Int
  /// Names lower-case.
  var headers: [String: String]

  subscript(name: String) -> String? { headers[name] }

  /// The ETag when it is a strong one.
  var strongValidator: String? {
    guard let tag = self["etag"], tag.hasPrefix("\""), tag.hasSuffix("\""), tag.utf8.count <= 256 else { return nil }
    return tag
  }
}

/// Judges an answer's head against the request: all that URLSession does not check. A pure function.
///
/// Source: RFC 9110; the rows of what URLSession was measured to let through.
enum ResponseCheck {
  enum Verdict: Equatable {
    /// Interim (1xx): wait for the real one.
    case ignore
    /// The body is the file's, from this offset on; `length` when the head promises one.
    case body(offset: Int, length: Int?)
    case redirect(to: String)
    case failure(TransferFailure)
  }

  static func judge(_ head: ResponseHead, for request: TransferRequest, now: Int) -> Verdict {
    let name = request.url.textWithoutQuery
    switch head.status {
    case ..<200: return .ignore
    case 200, 206: return body(head, request, name)
    case 301, 302, 303, 307, 308:
      // S3 says where the bucket is; a signature for another region would be worth nothing there.
      if let region = bucketRegion(head) {
        var failure = status(head, name, .transient, .redirect, "is in the region \(shown(region))")
        failure.region = region
        return .failure(failure)
      }
      guard let location = head["location"], !location.isEmpty else {
        return .failure(status(head, name, .permanent, .redirect, "redirects without saying where"))
      }
      return .redirect(to: location)
    default: return .failure(refusal(head, request, name, now: now))
    }
  }

  // MARK: Bodies

  private static func body(_ head: ResponseHead, _ request: TransferRequest, _ name: String) -> Verdict {
    if let encoding = head["content-encoding"], encoding.lowercased() != "identity", !encoding.isEmpty {
      return .failure(
        status(
          head, name, .permanent, .contentEncoding,
          "answers with Content-Encoding \(shown(encoding)), though none was asked for: the bytes are not the file's"))
    }
    var length: Int?
    if let text = head["content-length"] {
      guard let number = ContentRange.number(text) else {
        return .failure(status(head, name, .transient, .wrongLength, "answers with Content-Length \(shown(text))"))
      }
      length = number
    }
    return head.status == 206
      ? partial(head, request, name, length: length) : whole(head, request, name, length: length)
  }

  private static func whole(
    _ head: ResponseHead, _ request: TransferRequest, _ name: String, length: Int?
  ) -> Verdict {
    switch request.extent {
    case .atMost(let limit):
      if let length, length > limit {
        return .failure(
          status(head, name, .permanent, .tooLong, "is \(length) bytes long; at most \(limit) are accepted"))
      }
      return .body(offset: 0, length: length)
    case .exactly(let range, let total):
      // A range that ends early cannot be cut out of a whole answer without moving the rest for nothing.
      if range.upperBound != total {
        return .failure(status(head, name, .permanent, .contentRange, "does not answer requests for ranges"))
      }
      if let length, length != total {
        return .failure(
          status(head, name, .transient, .wrongLength, "is \(length) bytes long; the index says \(total)"))
      }
      return .body(offset: 0, length: length)
    }
  }

  private static func partial(
    _ head: ResponseHead, _ request: TransferRequest, _ name: String, length: Int?
  ) -> Verdict {
    guard case .exactly(let range, let total) = request.extent, request.extent.isPartial else {
      return .failure(status(head, name, .transient, .contentRange, "answers with a part nobody asked for"))
    }
    guard let text = head["content-range"], let given = ContentRange(text), given.range == range,
      given.total == nil || given.total == total, length == nil || length == range.count
    else {
      let answer = head["content-range"].map(shown) ?? "none"
      return .failure(
        status(
          head, name, .restart, .contentRange,
          "answers a request for bytes \(range.lowerBound)-\(range.upperBound - 1)/\(total) with Content-Range \(answer)"
        ))
    }
    // Not every store knows If-Range: a part of another state of the file must not be joined to what is there.
    if let wanted = request.validator, let found = head.strongValidator, wanted != found {
      return .failure(status(head, name, .restart, .contentRange, "has changed since its first part was fetched"))
    }
    return .body(offset: range.lowerBound, length: length)
  }

  // MARK: Refusals

  private static func refusal(
    _ head: ResponseHead, _ request: TransferRequest, _ name: String, now: Int
  ) -> TransferFailure {
    var failure: TransferFailure
    switch head.status {
    case 401, 403, 407: failure = status(head, name, .refused, .credentials, "refuses access")
    case 404, 410: failure = status(head, name, .notFound, .notFound, "is not there")
    case 412 where request.extent.isPartial, 416 where request.extent.isPartial:
      failure = status(head, name, .restart, .contentRange, "no longer has the bytes to resume from")
    case 429, 503: failure = status(head, name, .transient, .throttled, "asks for fewer requests")
    case 408, 421, 425, 500...599: failure = status(head, name, .transient, .status, "fails on the server's side")
    default: failure = status(head, name, .permanent, .status, "answers what no file can be made of")
    }
    failure.retryAfterSeconds = head["retry-after"].flatMap { retryAfter($0, now: now) }
    failure.region = bucketRegion(head)
    return failure
  }

  private static func bucketRegion(_ head: ResponseHead) -> String? {
    head["x-amz-bucket-region"].flatMap { !$0.isEmpty && $0.utf8.count <= 64 ? $0 : nil }
  }

  /// Seconds that a `Retry-After` of seconds or of a date asks for, at most a day; nil when it says neither.
  static func retryAfter(_ text: String, now: Int) -> Double? {
    if let seconds = ContentRange.number(text) { return Double(min(seconds, 86400)) }
    return HTTPDate.parse(text).map { Double(min(max($0 - now, 0), 86400)) }
  }

  private static func status(
    _ head: ResponseHead, _ name: String, _ code: TransferFailure.Code, _ cause: TransferFailure.Cause, _ what: String
  ) -> TransferFailure {
    TransferFailure(code, cause, "\(name) \(what) (status \(head.status))", status: head.status)
  }

  /// A header's value for a message: short, printable.
  static func shown(_ text: String) -> String {
    let printable = text.unicodeScalars.prefix(80).map { $0.value >= 0x20 && $0.value < 0x7f ? Character($0) : "?" }
    return "\"" + String(printable) + "\""
  }
}
