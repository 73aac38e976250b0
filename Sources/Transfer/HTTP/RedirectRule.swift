/// What a redirect leads to: another request, or a refusal. Pure.
enum RedirectRule {
  /// Redirects followed for one attempt.
  static let limit = 8

  static func follow(
    _ location: String, from request: TransferRequest, hop: Int
  ) throws(TransferFailure) -> TransferRequest {
    let name = request.url.textWithoutQuery
    guard hop < limit else {
      throw TransferFailure(.permanent, .redirect, "\(name) is behind more than \(limit) redirects")
    }
    guard let target = request.url.resolving(location), !target.host.isEmpty else {
      throw TransferFailure(.permanent, .redirect, "\(name) redirects to something that is no URL")
    }
    guard target.scheme == "https" || target.scheme == "http" else {
      throw TransferFailure(.permanent, .redirect, "\(name) redirects to \(target.scheme)://, which is not followed")
    }
    if request.url.scheme == "https", target.scheme != "https" {
      throw TransferFailure(
        .permanent, .redirect, "\(name) redirects from https to plain http (\(target.host)), which is not followed")
    }
    var next = request
    next.url = target
    if !target.sharesOrigin(with: request.url) { next.headers.removeAll(where: \.isSecret) }
    try check(next)
    return next
  }

  /// Refuses plain HTTP that would cross a network, and URLs that are none of ours.
  static func check(_ request: TransferRequest) throws(TransferFailure) {
    switch request.url.scheme {
    case "https": return
    case "http" where request.allowsPlainHTTP || request.url.isLoopback: return
    case "http":
      throw TransferFailure(
        .permanent, .plainHTTP,
        "\(request.url.textWithoutQuery) is plain http, which is only used on this machine unless the stream allows it")
    default:
      throw TransferFailure(.permanent, .plainHTTP, "\(request.url.textWithoutQuery) is neither https nor http")
    }
  }
}
