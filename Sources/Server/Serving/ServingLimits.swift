import DaemonConfiguration

/// What one connection may have, from the configuration in force when it began.
struct ServingLimits: Sendable, Hashable {
  let sessions: Int
  let pipelined: Int
  let replyBytes: Int
  let samples: Int
  let descriptors: Int
  let inlineBytes: Int

  init(_ limits: LimitsConfiguration) {
    sessions = limits.sessionsPerConnection
    pipelined = limits.requestsInFlight
    replyBytes = limits.batchBytes
    samples = limits.batchSamples
    descriptors = limits.descriptorsPerConnection
    inlineBytes = limits.inlineBytes
  }
}
