import StreamRegistry

/// Bounds on what clients may ask for. What is over one is answered with an error that names it.
public struct LimitsConfiguration: Sendable, Hashable {
  /// Connections at once; those of `sluice health` are counted apart.
  public var connections = 1024
  /// Sessions of one connection.
  public var sessionsPerConnection = 64
  /// Requests that a client may have under way on one connection.
  public var requestsInFlight = 32
  /// Bytes of the samples of one reply.
  public var batchBytes = 256 << 20
  /// Bytes of one frame from a client.
  public var frameBytes = 1 << 20
  /// Samples of one reply.
  public var batchSamples = 1 << 20
  /// Files that a client may hold open through one connection.
  public var descriptorsPerConnection = 512
  /// Mean bytes of a sample under which samples travel inline unless the client says otherwise.
  public var inlineBytes = 4096

  public init() {}

  static func read(_ reader: inout ConfigurationReader) -> LimitsConfiguration {
    var limits = LimitsConfiguration()
    limits.connections = reader.integer("connections", in: 1...65536, default: limits.connections)
    limits.sessionsPerConnection = reader.integer(
      "sessions_per_connection", in: 1...65536, default: limits.sessionsPerConnection)
    limits.requestsInFlight = reader.integer("requests_in_flight", in: 1...4096, default: limits.requestsInFlight)
    limits.batchBytes = readBytes("batch_bytes", 1 << 16, (3 << 30, "3gb"), limits.batchBytes, &reader)
    limits.frameBytes = readBytes("frame_bytes", 1 << 12, (1 << 20, "1mb"), limits.frameBytes, &reader)
    limits.batchSamples = reader.integer("batch_samples", in: 1...(1 << 26), default: limits.batchSamples)
    limits.descriptorsPerConnection = reader.integer(
      "descriptors_per_connection", in: 1...65536, default: limits.descriptorsPerConnection)
    limits.inlineBytes = reader.bytes("inline_bytes", default: limits.inlineBytes)
    return limits
  }

  /// - Parameter most: what a frame can carry. Lengths are u32, and a reply's headers need room beside its bytes; the
  ///   protocol itself bounds what clients send.
  private static func readBytes(
    _ key: String, _ least: Int, _ most: (bytes: Int, text: String), _ otherwise: Int,
    _ reader: inout ConfigurationReader
  ) -> Int {
    let bytes = reader.bytes(key, atLeast: least, default: otherwise)
    if bytes > most.bytes { reader.report(key, "must be at most \(most.text), which is what a frame can carry") }
    return bytes
  }
}
