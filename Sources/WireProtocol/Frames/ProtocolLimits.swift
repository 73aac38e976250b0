/// The numbers of PROTOCOL.md that both sides must agree on.
public enum ProtocolLimits {
  /// "SLUC" read as a little-endian u32.
  public static let magic: UInt32 = 0x4355_4C53
  /// Oldest version spoken.
  public static let minimumVersion: UInt16 = 1
  /// Newest version spoken.
  public static let maximumVersion: UInt16 = 1
  /// Payload bytes of a client's frame.
  public static let requestBytes = 1 << 20
  /// Payload bytes of a daemon's frame, unless its hello says otherwise.
  public static let defaultReplyBytes = 256 << 20
  /// File descriptors attached to one frame: the kernel's SCM_MAX_FD.
  public static let descriptorsPerFrame = 253
  /// Bytes of the client's name in hello.
  public static let clientNameBytes = 128
  /// `worker` in a batch request that counts the rank's batches, not one worker's.
  public static let everyWorker = UInt32.max
}
