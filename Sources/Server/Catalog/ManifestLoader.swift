import BuiltInStreams
import Codecs
import DaemonConfiguration
import DatasetModel
import ShardFormats
import StreamRegistry
import Transfer
import WireProtocol

/// Asks a stream's source for its index and makes a manifest of it; keeps a copy, which serves while the remote is down.
struct ManifestLoader: Sendable {
  /// A manifest and how it was come by.
  struct Loaded: Sendable {
    let manifest: StreamManifest
    /// Digest of everything in it.
    let identity: String
    /// Why a kept copy had to serve; nil when the source answered.
    let staleBecause: String?
  }

  /// nil: nothing is kept, and nothing kept is used.
  let store: ManifestStore?
  let executor: QueueExecutor
  /// Tries again, with the back-off and the slow-down that shards have.
  let fetch: RetryingFetch
  /// How to try again, as it is now: a reload may change it.
  let transfer: @Sendable () -> TransferConfiguration

  /// Attempts on top of `download_retry` while the remote is busy: few, because a kept copy may serve meanwhile.
  static let throttledAttempts = 4

  /// Most times that documents are asked for which then cannot be read to their end.
  static let readings = 3

  /// The manifest of a stream.
  ///
  /// - Throws: `ServerError` with code `streamUnavailable` when neither the source nor a kept copy has it, and when the
  ///   index is wrong: a kept copy never hides a wrong index.
  func load(_ stream: StreamConfiguration, from source: any StreamSource) async throws -> Loaded {
    let manifest: StreamManifest
    do {
      manifest = try await current(stream, from: source)
    } catch let error as IndexError {
      throw unavailable(stream, "its index is wrong: \(error)", error)
    } catch {
      guard Self.mayBePassing(error) else {
        throw unavailable(stream, "its index cannot be loaded: \(error)", error)
      }
      let kept = await withTaskExecutorPreference(executor) { store?.latest(stream) }
      guard let kept else { throw unavailable(stream, "its index cannot be loaded: \(error)", error) }
      return Loaded(manifest: kept, identity: try ManifestIdentity.digest(kept), staleBecause: "\(error)")
    }
    return try await withTaskExecutorPreference(executor) {
      guard manifest.samples > 0 else {
        throw unavailable(stream, "its index has no samples; a dataset needs at least one", nil)
      }
      return Loaded(manifest: manifest, identity: try ManifestIdentity.digest(manifest), staleBecause: nil)
    }
  }

  /// The manifest as the source has it now.
  private func current(_ stream: StreamConfiguration, from source: any StreamSource) async throws -> StreamManifest {
    let transfer = transfer()
    var policy = RetryPolicy(attempts: stream.downloadRetry)
    policy.firstDelay = transfer.retrySeconds
    policy.longestDelay = transfer.retryMaximumSeconds
    policy.throttledAttempts = Self.throttledAttempts
    var reading = 1
    while true {
      switch try await fetch.manifest(of: stream.name, from: source, policy: policy) {
      case .manifest(let given): return given
      case .documents(let documents, _):
        do {
          return try await withTaskExecutorPreference(executor) { try parse(documents, of: stream) }
        } catch let error as IndexUnread {
          guard reading < Self.readings else { throw error }
          reading += 1
          try await fetch.pause(before: reading, policy)
        }
      }
    }
  }

  private func parse(_ documents: [IndexDocument], of stream: StreamConfiguration) throws -> StreamManifest {
    let index = try IndexReading(documents)
    if let kept = store?.load(stream, documents: index.digest) { return kept }
    let manifest = try index.manifest(of: stream.name)
    store?.keep(manifest, of: stream, documents: index.digest)
    return manifest
  }

  private func unavailable(_ stream: StreamConfiguration, _ what: String, _ cause: (any Error)?) -> ServerError {
    ServerError(
      .streamUnavailable, "stream \(stream.name) (\(stream.location)): \(what)", retry: .after(milliseconds: 5_000),
      cause: cause)
  }

  /// Whether the remote may be down rather than wrong, so that a kept copy is still the truth.
  private static func mayBePassing(_ error: any Error) -> Bool {
    guard let error = error as? StreamFetchError else { return true }
    switch error.code {
    case .transient, .restart, .local: return true
    case .notFound, .refused, .permanent: return false
    }
  }
}

/// What a manifest is, as a digest: equal for equal shard lists, whatever the index's spelling.
enum ManifestIdentity {
  /// Lower-case hexadecimal SHA-256 over every shard's samples, files, sizes and digests, in order.
  static func digest(_ manifest: StreamManifest) throws -> String {
    var digest = try Digest.named("sha256")
    var text = ""
    func add(_ record: FileRecord?) {
      guard let record else {
        text += "-\n"
        return
      }
      text += "\(record.basename.utf8.count):\(record.basename) \(record.bytes)"
      for (name, value) in record.hashes.sorted(by: { $0.key < $1.key }) { text += " \(name)=\(value)" }
      text += "\n"
    }
    for shard in manifest.shards {
      text += "\(shard.samples) \(shard.format) \(shard.schema)\n"
      for pair in shard.files {
        add(pair.raw)
        add(pair.zip)
      }
      if text.utf8.count > 1 << 16 {
        text.withUTF8 { digest.update(UnsafeRawBufferPointer($0)) }
        text = ""
      }
    }
    text += manifest.schemas.map { "\($0)" }.joined(separator: "\n")
    text.withUTF8 { digest.update(UnsafeRawBufferPointer($0)) }
    return digest.finalize()
  }
}
