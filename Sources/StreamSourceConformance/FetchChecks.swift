import Codecs
import DatasetModel
import LinuxSystem
import ShardFormats
import StreamRegistry
import Synchronization
import SystemPackage

/// A staging file of a check's own, and what was said of it.
struct ConformanceStaging: Sendable {
  let file: StagingFile
  private let told: Count

  private final class Count: Sendable {
    let bytes = Mutex(0)
  }

  init(holding bytes: [UInt8] = []) throws(SystemError) {
    let told = Count()
    self.told = told
    file = StagingFile(descriptor: try .memoryFile("conformance")) { more in told.bytes.withLock { $0 += more } }
    if !bytes.isEmpty { try file.descriptor.write(bytes, at: 0) }
  }

  /// Bytes that progress was reported of.
  var progress: Int { told.bytes.withLock { $0 } }

  /// All that is in it.
  func content() throws(SystemError) -> [UInt8] { try file.descriptor.read(count: try file.descriptor.size(), at: 0) }
}

extension StreamSourceConformance {
  /// A fetch gives exactly the bytes that the index promises, says so, and gives the same again.
  func checkFetch(_ record: FileRecord, _ manifest: StreamManifest) async -> [ConformanceFinding] {
    await finding("fetch") {
      let staging = try ConformanceStaging()
      let receipt = try await fetch(record, into: staging)
      let bytes = try staging.content()
      let name = record.basename
      if bytes.count != record.bytes { return "\(name) came with \(bytes.count) bytes; the index says \(record.bytes)" }
      if receipt.bytes != bytes.count {
        return "the receipt for \(name) says \(receipt.bytes) bytes; there are \(bytes.count)"
      }
      if receipt.moved < 0 { return "the receipt for \(name) says that \(receipt.moved) bytes moved" }
      if staging.progress != bytes.count {
        return "progress of \(staging.progress) bytes was reported for the \(bytes.count) of \(name)"
      }
      for (algorithm, digest) in record.hashes {
        let found = try Digest.hex(algorithm, of: bytes)
        if found != digest.lowercased() {
          return "\(name) has the \(algorithm) digest \(found); the index says \(digest)"
        }
      }
      if let wrong = wrongTable(record, bytes, manifest) { return wrong }
      let again = try ConformanceStaging()
      _ = try await fetch(record, into: again)
      return try again.content() == bytes ? nil : "\(name) came with other bytes the second time"
    }
  }

  /// The head of an uncompressed MDS shard is what its index says.
  private func wrongTable(_ record: FileRecord, _ bytes: [UInt8], _ manifest: StreamManifest) -> String? {
    let place = manifest.shards.firstIndex { $0.format == .mds && $0.compression == nil && $0.data.raw == record }
    guard let place else { return nil }
    do throws(ShardError) {
      _ = try SampleTable(head: bytes, of: manifest.shards[place], at: place, stream: "conformance")
      return nil
    } catch { return "\(error)" }
  }

  /// Many fetches at once do not disturb one another.
  func checkFetchesAtOnce(_ records: [FileRecord]) async -> [ConformanceFinding] {
    await finding("fetches at once") {
      try await withThrowingTaskGroup(of: (String, [UInt8]).self) { group in
        for record in records + records {
          group.addTask {
            let staging = try ConformanceStaging()
            _ = try await fetch(record, into: staging)
            return (record.basename, try staging.content())
          }
        }
        var seen: [String: [UInt8]] = [:]
        for try await (name, bytes) in group {
          if let other = seen.updateValue(bytes, forKey: name), other != bytes {
            return "two at once of \(name) differ"
          }
        }
        return nil
      }
    }
  }

  /// A file that is not there is an error that says so; it is never delivered.
  func checkMissingFile() async -> [ConformanceFinding] {
    await finding("missing file") {
      let record = FileRecord(basename: "no-such-directory/no-such-shard.mds", bytes: 1000)
      guard let error = await failure(record, into: try ConformanceStaging()) else {
        return "a file that is not there was delivered"
      }
      guard let error = error as? StreamSourceError else {
        return "threw \(type(of: error)), not StreamSourceError: \(error)"
      }
      return wrongMessage(error)
    }
  }

  /// A file that is not as long as promised is an error, and never more than promised is written.
  func checkWrongLength(_ record: FileRecord) async -> [ConformanceFinding] {
    var findings: [ConformanceFinding] = []
    for promised in [record.bytes - 1, record.bytes + 1] where promised >= 0 {
      findings += await finding("wrong length") {
        let staging = try ConformanceStaging()
        let claim = FileRecord(basename: record.basename, bytes: promised)
        guard await failure(claim, into: staging) != nil else {
          return "\(record.basename) of \(record.bytes) bytes was delivered as one of \(promised)"
        }
        let written = try staging.content().count
        return written > promised ? "\(written) bytes were written where \(promised) were promised" : nil
      }
    }
    return findings
  }

  /// A source that gives a validator can go on where an attempt stopped, and refuses what is no longer so.
  func checkResume(_ record: FileRecord) async -> [ConformanceFinding] {
    await finding("resume") {
      let whole = try ConformanceStaging()
      guard let validator = try await fetch(record, into: whole).validator else { return nil }
      let bytes = try whole.content()
      for start in [0, bytes.count / 2, bytes.count] {
        let staging = try ConformanceStaging(holding: Array(bytes[..<start]))
        let resume = ResumeOffset(bytes: start, validator: validator)
        do {
          _ = try await fetch(record, into: staging, resume: resume)
          if try staging.content() != bytes { return "resumed at byte \(start), the file differs" }
        } catch let error as StreamSourceError where error.code == .restart {
          continue  // Allowed: the daemon then starts anew.
        }
      }
      let staging = try ConformanceStaging(holding: [UInt8](repeating: 0x5a, count: bytes.count / 2))
      let stale = ResumeOffset(bytes: bytes.count / 2, validator: "\"of another file\"")
      do {
        _ = try await fetch(record, into: staging, resume: stale)
        return try staging.content() == bytes ? nil : "resumed another file's bytes, and delivered the mixture"
      } catch let error as StreamSourceError {
        return error.code == .restart ? nil : "refused another file's bytes with \(error.code), not restart"
      }
    }
  }

  /// A cancelled fetch ends soon; it either threw, or was done.
  func checkCancellation(_ record: FileRecord) async -> [ConformanceFinding] {
    await finding("cancellation") {
      let staging = try ConformanceStaging()
      let task = Task { try await fetch(record, into: staging) }
      task.cancel()
      let answer = try await bounded { await task.result }
      guard case .success = answer else { return nil }
      return try staging.content().count == record.bytes ? nil : "a cancelled fetch reported success with a part"
    }
  }

  /// A staging file that cannot be written is the machine's trouble, not the remote's, and never success.
  func checkUnwritableStaging(_ record: FileRecord) async -> [ConformanceFinding] {
    guard record.bytes > 0 else { return [] }
    return await finding("staging that cannot be written") {
      let staging = StagingFile(descriptor: try .openingToRead("/dev/null"))
      do {
        _ = try await bounded { try await source.fetch(request(record), into: staging) }
        return "a file that could not be written was reported as delivered"
      } catch let error as StreamSourceError {
        return error.code == .notFound || error.code == .refused
          ? "blamed the remote (\(error.code)) for this machine's file" : wrongMessage(error)
      }
    }
  }

  private func wrongMessage(_ error: StreamSourceError) -> String? {
    if error.message.isEmpty { return "an error without a message" }
    if error.message.contains(where: \.isNewline) { return "an error's message has more than one line" }
    return error.message.contains("?") && error.message.contains("://")
      ? "an error's message may hold a query: \(RemoteURL.redacted(error.message))" : nil
  }

  private func request(_ record: FileRecord, resume: ResumeOffset? = nil) -> FileRequest {
    var limits = FetchLimits()
    limits.deadlineSeconds = patience
    limits.idleSeconds = patience
    return FileRequest(path: record.basename, bytes: record.bytes, resume: resume, limits: limits)
  }

  @discardableResult
  private func fetch(
    _ record: FileRecord, into staging: ConformanceStaging, resume: ResumeOffset? = nil
  ) async throws -> FetchReceipt {
    let request = request(record, resume: resume)
    return try await bounded { try await source.fetch(request, into: staging.file) }
  }

  private func failure(_ record: FileRecord, into staging: ConformanceStaging) async -> (any Error)? {
    do {
      try await fetch(record, into: staging)
      return nil
    } catch { return error }
  }
}
