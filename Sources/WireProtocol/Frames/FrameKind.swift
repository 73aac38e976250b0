/// What a frame is; bit 15 is set in frames from the daemon.
public enum FrameKind: UInt16, Hashable, Sendable, CaseIterable {
  case hello = 1
  case open = 2
  case schema = 3
  case epoch = 4
  case batch = 5
  case sample = 6
  case state = 7
  case status = 8
  case close = 9
  case health = 10
  case admin = 11
  case dropped = 12

  case helloReply = 0x8001
  case openReply = 0x8002
  case schemaReply = 0x8003
  case epochReply = 0x8004
  case batchReply = 0x8005
  case stateReply = 0x8007
  case statusReply = 0x8008
  case closeReply = 0x8009
  case healthReply = 0x800A
  case adminReply = 0x800B
  case descriptors = 0x8010
  case progress = 0x8011
  case drop = 0x8012
  case error = 0x80FF

  /// True for frames that the daemon sends.
  public var isFromDaemon: Bool { rawValue & 0x8000 != 0 }

  /// True for the one frame that ends a request: false for what may come before it.
  public var isLast: Bool { isFromDaemon && ![.descriptors, .progress, .drop].contains(self) }
}
