import StreamRegistry
import Transfer

/// The kinds of streams that come with Sluice.
public enum BuiltInKinds {
  /// Registers every built-in kind; their downloads go through `transport`, indexes lie in `spool` while they are read.
  public static func register(
    in registry: inout StreamRegistry, transport: any Transport, spool: IndexSpool = IndexSpool()
  ) throws(StreamRegistryError) {
    try registry.register("local", LocalKind.make)
    for scheme in ["https", "http"] {
      try registry.register(scheme) { try HTTPKind.make($0, transport: transport, spool: spool) }
    }
    try registry.register("s3") { try S3Kind.make($0, transport: transport, spool: spool) }
    try registry.register("gs") { try GSKind.make($0, transport: transport, spool: spool) }
    try registry.register("azure") { try AzureKind.make($0, transport: transport, spool: spool) }
    try registry.register("hf") { try HubKind.make($0, transport: transport, spool: spool) }
  }
}

extension StreamConfiguration {
  /// `root` and the split below it.
  func withSplit(_ root: String) -> String {
    guard let split else { return root }
    return root.hasSuffix("/") ? root + split : "\(root)/\(split)"
  }

  /// The limits of the fetches that no caller bounds.
  var fetchLimits: FetchLimits {
    var limits = FetchLimits()
    limits.idleSeconds = downloadTimeout
    return limits
  }
}

extension RangeAdvisor {
  /// Reads `parallel_ranges`: into how many ranges a large file goes, 1 for one piece; found out when absent.
  static func read(_ reader: inout ConfigurationReader) -> RangeAdvisor {
    RangeAdvisor(parts: reader.integer("parallel_ranges", in: 1...mostParts))
  }
}
