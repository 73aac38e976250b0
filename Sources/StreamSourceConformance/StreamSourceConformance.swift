import DatasetModel
import LinuxSystem
import ShardFormats
import StreamRegistry
import Synchronization
import SystemPackage

/// What every kind of stream must do, built in or a user's own, whatever it is made of.
///
/// ```swift
/// @Test func conforms() async throws {
///   let findings = await StreamSourceConformance(source).check()
///   #expect(findings.isEmpty, "\(findings)")
/// }
/// ```
///
/// The source must have at least one shard. Checks run one after another, each with fetches of its own; nothing is
/// kept. With no framework but the library, so that any test can run it.
public struct StreamSourceConformance: Sendable {
  let source: any StreamSource
  /// Files that are fetched whole: the first, the last, and what lies between evenly.
  let files: Int
  /// Seconds that any one call may take.
  let patience: Double

  /// - Parameters:
  ///   - source: what is checked.
  ///   - files: how many of its files are fetched.
  ///   - patience: seconds after which a call counts as one that hangs.
  public init(_ source: any StreamSource, files: Int = 5, patience: Double = 60) {
    self.source = source
    self.files = max(1, files)
    self.patience = patience
  }

  /// Runs every check; what is wrong, in the order in which it was found. Empty for a source that conforms.
  public func check() async -> [ConformanceFinding] {
    var findings = checkLocation()
    let manifest: StreamManifest
    do {
      manifest = try await self.manifest()
    } catch {
      return findings + [ConformanceFinding("manifest", "cannot be had: \(error)")]
    }
    findings += checkManifest(manifest)
    let records = chosen(manifest)
    guard let first = records.first else {
      return findings + [ConformanceFinding("manifest", "has no shard to fetch")]
    }
    findings += await checkManifestsAgree(manifest)
    if let directory = source.localDirectory { return findings + checkInPlace(records, directory) }
    for record in records { findings += await checkFetch(record, manifest) }
    findings += await checkFetchesAtOnce(records)
    findings += await checkMissingFile()
    findings += await checkWrongLength(first)
    findings += await checkResume(first)
    findings += await checkCancellation(first)
    findings += await checkUnwritableStaging(first)
    return findings
  }

  /// The manifest as the daemon would have it, from documents as from a manifest of the source's own.
  func manifest() async throws -> StreamManifest {
    switch try await bounded({ try await source.manifest() }) {
    case .manifest(let manifest): return manifest
    case .documents(let documents, _):
      var parser = IndexParser(stream: "conformance")
      for document in documents { try parser.add(subdirectory: document.subdirectory, read: document.reader()) }
      return parser.finish()
    }
  }

  /// Some of the stream's files, as the remote holds them.
  private func chosen(_ manifest: StreamManifest) -> [FileRecord] {
    let all = manifest.shards.flatMap { shard in shard.files.map(\.stored) }
    guard all.count > files else { return all }
    if files == 1 { return [all[0]] }
    return (0..<files).map { all[$0 * (all.count - 1) / (files - 1)] }
  }

  /// Runs a call of the source's. After `patience` seconds it is left to itself, cancelled: a call that hangs may not
  /// mind that.
  func bounded<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      let answer = FirstAnswer(continuation)
      let work = Task {
        do { answer.give(.success(try await body())) } catch { answer.give(.failure(error)) }
      }
      let timer = Task {
        // A call that hangs gives nothing else to wait for.
        try await Task.sleep(for: .seconds(patience))
        answer.give(.failure(Hang(seconds: patience)))
        work.cancel()
      }
      Task {
        await work.value
        timer.cancel()
      }
    }
  }

  struct Hang: Error, CustomStringConvertible {
    let seconds: Double
    var description: String { "no answer within \(seconds) seconds" }
  }

  /// Runs a check whose own trouble is a finding.
  func finding(_ rule: String, _ body: () async throws -> String?) async -> [ConformanceFinding] {
    do {
      guard let message = try await body() else { return [] }
      return [ConformanceFinding(rule, message)]
    } catch { return [ConformanceFinding(rule, "\(error)")] }
  }
}

/// Resumes with the first of several answers.
private final class FirstAnswer<Success: Sendable>: Sendable {
  private let continuation: Mutex<CheckedContinuation<Success, any Error>?>

  init(_ continuation: CheckedContinuation<Success, any Error>) { self.continuation = Mutex(continuation) }

  func give(_ result: Result<Success, any Error>) {
    let waiting = continuation.withLock { continuation in
      defer { continuation = nil }
      return continuation
    }
    waiting?.resume(with: result)
  }
}

extension StreamSourceConformance {
  /// `location` goes into logs and errors.
  private func checkLocation() -> [ConformanceFinding] {
    let location = source.location
    var findings: [ConformanceFinding] = []
    if location.isEmpty { findings.append(ConformanceFinding("location", "is empty")) }
    if location.contains(where: \.isNewline) {
      findings.append(ConformanceFinding("location", "has more than one line"))
    }
    if RemoteURL.redacted(location) != location {
      findings.append(ConformanceFinding("location", "holds a user, a password, a query or a fragment"))
    }
    return findings
  }

  private func checkManifest(_ manifest: StreamManifest) -> [ConformanceFinding] {
    var findings: [ConformanceFinding] = []
    if manifest.samples == 0 { findings.append(ConformanceFinding("manifest", "has no samples")) }
    var seen: Set<String> = []
    for (position, shard) in manifest.shards.enumerated() {
      if !manifest.schemas.indices.contains(shard.schema) {
        findings.append(ConformanceFinding("manifest", "shard \(position) has no schema \(shard.schema)"))
      }
      for record in shard.files.flatMap({ [$0.raw] + ($0.zip.map { [$0] } ?? []) }) {
        if RelativePath.fault(of: Array(record.basename.utf8)) != nil {
          findings.append(ConformanceFinding("manifest", "\"\(record.basename)\" is no path below the root"))
        }
        if record.bytes < 0 {
          findings.append(ConformanceFinding("manifest", "\(record.basename) has \(record.bytes) bytes"))
        }
        if !seen.insert(record.basename).inserted {
          findings.append(ConformanceFinding("manifest", "\(record.basename) belongs to two shards"))
        }
      }
    }
    return findings
  }

  private func checkManifestsAgree(_ manifest: StreamManifest) async -> [ConformanceFinding] {
    await finding("manifests at once agree") {
      try await withThrowingTaskGroup(of: StreamManifest.self) { group in
        for _ in 0..<4 { group.addTask { try await self.manifest() } }
        for try await other in group where other != manifest {
          return "the manifest changed from one call to the next; it has to stay while the data does"
        }
        return nil
      }
    }
  }

  private func checkInPlace(_ records: [FileRecord], _ directory: String) -> [ConformanceFinding] {
    var findings: [ConformanceFinding] = []
    for record in records {
      do throws(SystemError) {
        let size = try OwnedDescriptor.openingToRead("\(directory)/\(record.basename)").size()
        if size != record.bytes {
          let message = "\(record.basename) is \(size) bytes long, not \(record.bytes)"
          findings.append(ConformanceFinding("files in place", message))
        }
      } catch { findings.append(ConformanceFinding("files in place", "\(error)")) }
    }
    return findings
  }
}
