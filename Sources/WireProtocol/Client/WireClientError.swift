/// Why a client did not get its answer.
public enum WireClientError: Error {
  /// The daemon said no, and whether to ask again.
  case refused(ErrorReply)
  /// The daemon sent what is not of this protocol: a defect, or another program's socket.
  case malformed(WireError)
  /// A reply came that belongs to no request under way, or is not of the kind that was asked for.
  case unexpected(String)
  /// The daemon closed the connection before it answered.
  case closed
  /// The socket failed.
  case transport(any Error)
}

extension WireClientError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .refused(let reply): "\(reply)"
    case .malformed(let error): "the daemon's answer is not of Sluice's protocol: \(error)"
    case .unexpected(let text): "unexpected answer: \(text)"
    case .closed: "the daemon closed the connection before it answered"
    case .transport(let error): "\(error)"
    }
  }
}
