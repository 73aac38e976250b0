import BuiltInStreams
import DatasetModel
import LinuxSystem
import StreamRegistry
import SystemPackage
import Transfer

/// The files of one shard, for its check.
protocol ShardFileOpening: Sendable {
  /// The open file; nil when there is none. Blocks.
  func open(_ file: FileRecord) throws(FileFault) -> OwnedDescriptor?
}

/// A stream's directory on this machine.
struct LocalFiles: ShardFileOpening {
  let directory: Directory

  func open(_ file: FileRecord) throws(FileFault) -> OwnedDescriptor? {
    do throws(SystemError) {
      return try directory.openBeneath(file.basename)
    } catch {
      if error.isMissing { return nil }
      throw .unreadable(error)
    }
  }
}

/// One shard's files as they were fetched, or why they could not be.
struct FetchedFiles: ShardFileOpening {
  fileprivate(set) var files: [String: Result<OwnedDescriptor, FileFault>] = [:]

  func open(_ file: FileRecord) throws(FileFault) -> OwnedDescriptor? { try files[file.basename]?.get() }
}

/// How a remote stream's files are fetched for a check: into files without a name, each gone once it has been checked.
public struct VerifyFetching: Sendable {
  /// Attempts and delays for each file.
  public var policy: RetryPolicy
  /// Bounds on one attempt.
  public var limits: FetchLimits
  /// The directory on whose disk fetched files lie: room for the largest shard as it is stored, times the jobs.
  public var staging: String

  public init(policy: RetryPolicy, limits: FetchLimits, staging: String) {
    self.policy = policy
    self.limits = limits
    self.staging = staging
  }

  /// The stored files of a shard, one after another.
  func fetch(
    _ shard: ShardDescriptor, of stream: StreamName, from source: any StreamSource, _ fetch: RetryingFetch
  ) async -> FetchedFiles {
    var fetched = FetchedFiles()
    for pair in shard.files {
      let file = pair.stored
      do {
        let staging = StagingFile(descriptor: try .temporaryFile(in: staging))
        // Digests are the check's own: bytes that are wrong are looked at, not fetched again.
        _ = try await fetch.fetch(
          file, of: stream, from: source, policy: policy, limits: limits,
          verification: try Verification(of: file, by: nil),
          into: staging)
        fetched.files[file.basename] = .success(staging.descriptor)
      } catch let error as StreamFetchError {
        let tries = error.attempts == 1 ? "1 attempt" : "\(error.attempts) attempts"
        fetched.files[file.basename] = .failure(.unfetched("\(error.last.message) (\(tries))"))
      } catch {
        fetched.files[file.basename] = .failure(.unfetched("\(error)"))
      }
    }
    return fetched
  }
}
