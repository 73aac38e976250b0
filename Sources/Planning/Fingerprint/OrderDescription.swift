import DatasetModel

/// Everything that fixes a dataset's order, in words: what a fingerprint is the digest of.
///
/// The world is not part of it, nor what follows the world (batch size, replication): an epoch may continue on another.
/// Options are those in force, defaults and checkpoint applied, so that a run resumed elsewhere describes itself alike.
/// The description is text, one field a line, small whatever the number of shards; it fits a checkpoint.
public struct OrderDescription: Hashable, Sendable {
  /// One stream's part.
  public struct Stream: Hashable, Sendable {
    /// The stream's name.
    public let name: String
    /// Samples drawn in an epoch.
    public let choose: Int
    /// The stream's share of the epoch.
    public let proportion: Double
    /// Number of shards.
    public let shards: Int
    /// Samples of all shards.
    public let samples: Int
    /// Digest of every shard's sample count and identity, in order; hexadecimal.
    public let contents: String
  }

  /// The version of the description and of the orders it stands for.
  public static let version = 1

  /// Options by name, in order of description.
  public let options: [Option]
  /// The streams, in order.
  public let streams: [Stream]

  /// An option in force.
  public struct Option: Hashable, Sendable {
    /// The reference's name for it.
    public let name: String
    /// Its value in force.
    public let value: String
  }

  /// The description of a setup's order.
  ///
  /// - Parameters:
  ///   - identities: for each stream and shard, bytes that say which shard it is (its files' names, lengths and digests).
  ///   - digest: makes a fresh digest for each stream's contents.
  public init<Digest: OrderDigest & ~Copyable>(
    _ setup: EpochSetup, identities: (_ stream: Int, _ shard: Int) -> [UInt8], digest: () -> Digest
  ) {
    let shuffles = setup.shuffle != nil
    options = [
      Option(name: "batching_method", value: setup.batching.rawValue),
      Option(name: "epoch_size", value: "\(setup.epochSize)"),
      Option(name: "num_canonical_nodes", value: "\(setup.canonicalNodes)"),
      Option(name: "partition_algo", value: setup.partition.rawValue),
      Option(name: "sampling_granularity", value: "\(setup.options.samplingGranularity)"),
      Option(name: "sampling_method", value: setup.sampling.rawValue),
      Option(name: "shuffle", value: "\(shuffles)"),
      Option(name: "shuffle_algo", value: setup.shuffle?.rawValue ?? "none"),
      Option(name: "shuffle_block_size", value: shuffles ? "\(setup.shuffleBlockSize)" : "none"),
      Option(name: "shuffle_seed", value: "\(setup.shuffleSeed)"),
    ]
    streams = setup.streams.enumerated().map { index, stream in
      var contents = digest()
      for (shard, samples) in stream.shardSamples.enumerated() {
        let identity = identities(index, shard)
        for number in [samples, identity.count] {
          withUnsafeBytes(of: UInt64(number).littleEndian) { contents.update($0) }
        }
        identity.withUnsafeBytes { contents.update($0) }
      }
      return Stream(
        name: stream.name.rawValue, choose: setup.weights.choosePerStream[index],
        proportion: setup.weights.proportions[index], shards: stream.shardSamples.count,
        samples: stream.shardSamples.reduce(0, +), contents: contents.finalizeBytes().hexadecimal)
    }
  }

  init(options: [Option], streams: [Stream]) {
    self.options = options
    self.streams = streams
  }

  /// The description's fingerprint.
  public func fingerprint(_ digest: consuming some OrderDigest & ~Copyable) -> Fingerprint {
    Array(text.utf8).withUnsafeBytes { digest.update($0) }
    return Fingerprint(digest.finalizeBytes())
  }
}

/// A digest of everything that fixes a dataset's order.
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
  /// The digest's bytes.
  public let bytes: [UInt8]

  /// A fingerprint of known bytes.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The bytes in hexadecimal.
  public var description: String { bytes.hexadecimal }
}
