import WireProtocol

/// Which of a rank's batches a request means, in the order in which the rank consumes them.
struct BatchSelection: Equatable {
  /// Batch numbers of the rank.
  let batches: [Int]
  /// The number the reply repeats: the request's own way of counting.
  let first: UInt32

  /// - Parameters:
  ///   - available: batches of the rank that hold samples.
  ///   - workers: loader workers of the rank.
  ///   - perWorker: batches of each worker, empty ones at the end included.
  ///   - most: how many batches one request may have.
  /// - Throws: `ServerError` past the end, for a worker that is none, and over `most`.
  init(_ request: BatchRequest, available: Int, workers: Int, perWorker: Int, most: Int) throws(ServerError) {
    guard request.count >= 1 else { throw ServerError(.malformed, "count is 0; ask for at least one batch") }
    guard request.count <= most else {
      throw ServerError(.tooMuch, "count is \(request.count); one request may have \(most) batches at most")
    }
    let first = Int(request.first)
    let last = first + Int(request.count)
    if let worker = request.worker {
      let worker = Int(worker)
      guard worker < workers else {
        throw ServerError(.badRank, "worker \(worker) is outside 0 to \(workers - 1), the workers of a rank")
      }
      guard first < perWorker else {
        throw ServerError(
          .pastEnd,
          "batch \(first) of worker \(worker) is past the end of epoch \(request.epoch), which gives it \(perWorker)")
      }
      batches = (first..<min(last, perWorker)).map { $0 * workers + worker }
    } else {
      guard first < available else {
        throw ServerError(
          .pastEnd, "batch \(first) is past the end of epoch \(request.epoch), which gives this rank \(available)")
      }
      batches = Array(first..<min(last, available))
    }
    self.first = request.first
  }
}
