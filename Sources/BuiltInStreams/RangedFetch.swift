import Codecs
import StreamRegistry
import Transfer

/// Large files in several ranges at once, for remotes that limit each connection.
extension RemoteSource {
  /// Ranges begin at multiples of this many bytes.
  private static let alignment = 1 << 20

  /// One range, or the whole file.
  func fetchPart(
    _ extent: Extent, _ validator: String?, _ request: FileRequest, into staging: StagingFile
  ) async throws -> TransferReceipt {
    try await perform(
      extent, validator: validator, limits: request.limits, digest: request.digest.flatMap(DigestAlgorithm.init),
      into: staging.descriptor, progress: staging.progress
    ) { try await self.service.target(for: request.path, extent: extent) }
  }

  /// All of `extent` in `count` ranges. What a failure leaves is kept as far as it is contiguous.
  func fetchInParts(
    _ count: Int, _ extent: Extent, _ validator: String?, _ request: FileRequest, into staging: StagingFile
  ) async throws -> TransferReceipt {
    let parts = Self.split(extent, into: count, total: request.bytes)
    let results = await withTaskGroup(of: (Int, Result<TransferReceipt, any Error>).self) { group in
      for (place, part) in parts.enumerated() {
        group.addTask {
          do {
            return (place, .success(try await fetchPart(part, validator, request, into: staging)))
          } catch { return (place, .failure(error)) }
        }
      }
      var results = [Result<TransferReceipt, any Error>?](repeating: nil, count: parts.count)
      for await (place, result) in group {
        results[place] = result
        if case .failure = result { group.cancelAll() }
      }
      return results
    }
    return try Self.joined(results.compactMap { $0 }, end: extent.end, location: "\(location)/\(request.path)")
  }

  /// `extent` in up to `count` ranges of about one length, in order.
  static func split(_ extent: Extent, into count: Int, total: Int) -> [Extent] {
    let length = extent.end - extent.start
    let step = max(alignment, (length / count + alignment - 1) / alignment * alignment)
    return stride(from: extent.start, to: extent.end, by: step).map {
      .exactly(range: $0..<min($0 + step, extent.end), total: total)
    }
  }

  /// One receipt for all ranges, if they are of one state of the file.
  private static func joined(
    _ results: [Result<TransferReceipt, any Error>], end: Int, location: String
  ) throws -> TransferReceipt {
    // The first real failure counts: the others were cancelled because of it.
    let errors = results.compactMap { result -> (any Error)? in
      if case .failure(let error) = result { return error }
      return nil
    }
    if let first = errors.first(where: { !($0 is CancellationError) }) ?? errors.first {
      throw withoutGaps(first, results)
    }
    let receipts = try results.map { try $0.get() }
    guard let first = receipts.first, receipts.allSatisfy({ $0.validator == first.validator }) else {
      throw StreamSourceError(.restart, "\(location) changed while it was fetched", cause: "contentRange")
    }
    return TransferReceipt(
      end: end, moved: receipts.reduce(0) { $0 + $1.moved }, validator: first.validator,
      lastModified: first.lastModified)
  }

  /// `error` with what can be kept: the ranges before the first that is not whole, and what there is of that one.
  private static func withoutGaps(_ error: any Error, _ results: [Result<TransferReceipt, any Error>]) -> any Error {
    guard let error = error as? StreamSourceError else { return error }
    var kept: ResumeOffset?
    scan: for result in results {
      switch result {
      case .success(let receipt):
        kept = receipt.validator.map { ResumeOffset(bytes: receipt.end, validator: $0) }
      case .failure(let failure):
        if let resume = (failure as? StreamSourceError)?.resume, kept?.validator ?? resume.validator == resume.validator
        {
          kept = resume
        }
        break scan
      }
    }
    if error.code != .transient, error.code != .local { kept = nil }
    return StreamSourceError(
      error.code, error.message, retryAfterSeconds: error.retryAfterSeconds, slowDown: error.slowDown, resume: kept,
      cause: error.cause)
  }
}
