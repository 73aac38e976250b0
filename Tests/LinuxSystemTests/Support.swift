import Glibc
import SystemPackage

@testable import LinuxSystem

/// Lets this process open no descriptor of `count` or above.
func limitDescriptors(to count: Int) throws {
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  limit.rlim_cur = rlim_t(count)
  try systemCall("setrlimit", "\(count)") { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
}

/// A datagram socket such as a service manager listens on.
struct NotifySocket {
  let name: String
  private let descriptor: OwnedDescriptor

  init() throws {
    name = "sluice-notify-\(UInt64.random(in: 0 ... .max))"
    guard let address = UnixAddress(abstractName: name) else { preconditionFailure("a short name is an address") }
    let raw = try systemCall("socket", "datagram") { socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0) }
    descriptor = OwnedDescriptor(adopting: raw)
    try systemCall("bind", name) { address.withSockAddr { bind(raw, $0, $1) } }
  }

  /// The next message, which must have been sent already.
  func receive() throws -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = try systemCall("recv", name) { recv(descriptor.raw, &buffer, buffer.count, CInt(MSG_DONTWAIT)) }
    return String(decoding: buffer[..<count], as: UTF8.self)
  }
}
