/// Why a request failed, as PROTOCOL.md numbers it.
public enum ErrorCode: UInt16, Hashable, Sendable, CaseIterable {
  /// The payload is not of its kind's form.
  case malformed = 1
  /// No version in common.
  case version = 2
  /// The frame is over its limit.
  case tooLong = 3
  /// No such request.
  case unknownKind = 4
  /// The first frame was something else.
  case helloExpected = 5
  /// No dataset of that name.
  case unknownDataset = 10
  /// The world's numbers cannot be.
  case badWorld = 11
  /// The rank or device is outside its world.
  case badRank = 12
  /// No such session on this connection.
  case unknownSession = 13
  /// Batch or epoch past the end.
  case pastEnd = 14
  /// Inline specification or overrides are refused.
  case badSpecification = 15
  /// These options give no plan.
  case planRefused = 16
  /// The data or the options are not the checkpoint's.
  case fingerprint = 17
  /// The checkpoint's numbers cannot be.
  case badResume = 18
  /// No sample of that id.
  case badSample = 19
  /// An index could not be loaded.
  case streamUnavailable = 30
  /// A shard could not be downloaded.
  case shardUnavailable = 31
  /// A shard is not what its index says.
  case shardCorrupt = 32
  /// The cache limit cannot hold what one batch needs.
  case cacheTooSmall = 33
  /// The disk is full.
  case noSpace = 34
  /// The wait was too long.
  case deadline = 35
  case tooManyConnections = 40
  case tooManySessions = 41
  /// More samples or bytes in one request than allowed.
  case tooMuch = 42
  /// This user or socket may not.
  case notPermitted = 44
  /// The daemon is stopping; reconnect.
  case draining = 45
  /// The daemon is loading; ask again.
  case starting = 46
  /// A defect of the daemon; please report.
  case `internal` = 50

  /// The daemon closes the connection behind these.
  public var closesConnection: Bool { rawValue <= ErrorCode.helloExpected.rawValue }
}
