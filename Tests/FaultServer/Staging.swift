import Codecs
import LinuxSystem

/// A staging file in memory with what arrived in it.
public struct Staging: Sendable {
  public let file: OwnedDescriptor

  public init() throws { file = try OwnedDescriptor.memoryFile("staging") }

  public func bytes() throws -> [UInt8] { try file.read(count: try file.size(), at: 0) }
}

/// The bytes that the fault server has under any name of this length.
public func faultBody(_ length: Int, salt: String = "") -> [UInt8] {
  let block = Digest.sha256(Array("\(length)\(salt)".utf8))
  var bytes: [UInt8] = []
  while bytes.count < length { bytes += block }
  return Array(bytes.prefix(length))
}
