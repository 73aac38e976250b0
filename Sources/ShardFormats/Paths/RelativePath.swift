/// Which names from an index may be joined to a directory.
///
/// A name is data from somewhere else: it must stay below the directory it is joined to, whatever it says. That no
/// symbolic link on the way leads out is for whoever opens it (`Directory.openBeneath`).
public enum RelativePath {
  /// Linux's own limits, PATH_MAX and NAME_MAX, each less its terminator.
  static let maximumBytes = 4095
  static let maximumPartBytes = 255

  /// Why `name` cannot be used, or nil when it can.
  public static func fault(of name: some Collection<UInt8>) -> PathFault? {
    if name.isEmpty { return .empty }
    if name.first == UInt8(ascii: "/") { return .absolute }
    if name.count > maximumBytes { return .tooLong(limit: maximumBytes) }
    var partBytes = 0
    var dots = 0
    for byte in name {
      guard byte == UInt8(ascii: "/") else {
        if byte < 0x20 || byte == 0x7f { return byte == 0 ? .nul : .controlCharacter }
        if byte == UInt8(ascii: ".") { dots += 1 }
        partBytes += 1
        continue
      }
      if let fault = faultOfPart(bytes: partBytes, dots: dots) { return fault }
      (partBytes, dots) = (0, 0)
    }
    return faultOfPart(bytes: partBytes, dots: dots)
  }

  private static func faultOfPart(bytes: Int, dots: Int) -> PathFault? {
    if bytes == 0 { return .emptyPart }
    if bytes == dots, bytes <= 2 { return .leaves }
    return bytes > maximumPartBytes ? .tooLong(limit: maximumPartBytes) : nil
  }
}

/// Why a name cannot be joined to a directory.
public enum PathFault: Hashable, Sendable, CustomStringConvertible {
  case empty
  case absolute
  /// A part is "." or "..".
  case leaves
  /// Two slashes in a row, or one at the end.
  case emptyPart
  case nul
  case controlCharacter
  case tooLong(limit: Int)

  public var description: String {
    switch self {
    case .empty: "is empty"
    case .absolute: "is an absolute path"
    case .leaves: "has a part that is \".\" or \"..\""
    case .emptyPart: "has an empty part"
    case .nul: "contains a NUL byte"
    case .controlCharacter: "contains a control character"
    case .tooLong(let limit): "is longer than the \(limit) bytes a path or one of its parts may have"
    }
  }
}

/// Text from outside, fit for a message: in quotes, control characters escaped, cut to a length that fits a line.
func quoted(_ text: String) -> String {
  let limit = 80
  return text.count <= limit ? text.debugDescription : String(text.prefix(limit)).debugDescription + "…"
}
