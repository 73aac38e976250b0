import LinuxSystem

extension TransferFailure {
  /// A write, or another local call, that failed.
  public init(diskError error: SystemError) {
    if error.isNoSpace {
      self.init(.local, .disk, "no room for the file: \(error)")
    } else if error.isOutOfDescriptors {
      self.init(.local, .descriptors, "no descriptors left: \(error)")
    } else {
      self.init(.local, .disk, "writing the file failed: \(error)")
    }
  }

  /// Adds what a refusal's body says: the error code and message of S3, Cloud Storage and Azure, or the first words of
  /// a plain text. Nothing else of the body is shown, because object stores echo signatures in it.
  mutating func add(explanation: [UInt8]) {
    let text = String(decoding: explanation, as: UTF8.self)
    guard let code = Self.element("Code", of: text) else {
      if !text.isEmpty, !text.contains("<") { message += ": \(ResponseCheck.shown(text))" }
      return
    }
    message += ": \(ResponseCheck.shown(code))"
    if let reason = Self.element("Message", of: text) { message += " \(ResponseCheck.shown(reason))" }
    if region == nil, status == 400 { region = Self.element("Region", of: text) }
    switch code {
    case "SlowDown", "TooManyRequests", "ServerBusy":
      self.code = .transient
      cause = .throttled
    case "InternalError", "RequestTimeout", "OperationTimedOut":
      self.code = .transient
      cause = .status
    case "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "RequestTimeTooSkewed", "AuthenticationFailed",
      "AuthorizationHeaderMalformed", "InvalidAccessKeyId", "SignatureDoesNotMatch":
      self.code = .refused
      cause = .credentials
    default: break
    }
  }

  /// The text of the first XML element `name`, short ones only.
  static func element(_ name: String, of text: String) -> String? {
    guard let open = text.firstRange(of: "<\(name)>"),
      let close = text[open.upperBound...].firstRange(of: "</\(name)>")
    else { return nil }
    let value = text[open.upperBound..<close.lowerBound]
    return value.isEmpty || value.utf8.count > 512 ? nil : String(value)
  }
}
