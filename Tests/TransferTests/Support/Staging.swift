import Codecs
import LinuxSystem
import Testing

@testable import Transfer

/// A staging file in memory with what arrived in it.
struct Staging {
  let file: OwnedDescriptor

  init() throws { file = try OwnedDescriptor.memoryFile("staging") }

  func bytes() throws -> [UInt8] { try file.read(count: try file.size(), at: 0) }
}

/// The bytes that the fault server has under any name of this length.
func faultBody(_ length: Int, salt: String = "") -> [UInt8] {
  let block = Digest.sha256(Array("\(length)\(salt)".utf8))
  var bytes: [UInt8] = []
  while bytes.count < length { bytes += block }
  return Array(bytes.prefix(length))
}

func url(_ text: String) throws -> RequestURL { try #require(RequestURL(text)) }

/// The failure of `body`; records an issue when it does not fail.
func failure<Result>(of body: () async throws -> Result) async throws -> TransferFailure {
  do {
    _ = try await body()
  } catch let failure as TransferFailure {
    return failure
  }
  Issue.record("nothing failed")
  return TransferFailure(.permanent, .status, "nothing failed")
}
