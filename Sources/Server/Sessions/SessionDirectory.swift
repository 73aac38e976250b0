import AdminDocuments
import DatasetModel
import ShardCache
import Synchronization

/// What is known of one open session outside its connection's thread: for status, metrics and the watchdog.
final class SessionRecord: Sendable {
  let number: Int
  let client: String
  let process: Int
  let user: Int
  let dataset: DatasetName
  let rank: Int
  let ranks: Int
  /// What the cache knows it by.
  let future: SessionID
  private let state: Mutex<SessionProgress>
  private let ended = Mutex(false)

  init(
    number: Int, client: String, process: Int, user: Int, dataset: DatasetName, rank: Int, ranks: Int,
    future: SessionID, now: Double
  ) {
    self.number = number
    self.client = client
    self.process = process
    self.user = user
    self.dataset = dataset
    self.rank = rank
    self.ranks = ranks
    self.future = future
    state = Mutex(SessionProgress(now: now))
  }

  /// True once its connection is gone or it was closed.
  var hasEnded: Bool { ended.withLock { $0 } }

  /// The session is over.
  func end() { ended.withLock { $0 = true } }

  /// Reads or changes the progress.
  func progress<Result: Sendable>(_ body: (inout sending SessionProgress) -> sending Result) -> Result {
    state.withLock(body)
  }

  /// What it adds to its dataset's sums.
  var sums: ServedSums { state.withLock { $0.sums } }

  /// The session as status shows it.
  func status(now: Double, cache: ShardCache) -> SessionStatus {
    let progress = state.withLock { $0 }
    let standing = progress.wait?.shards.map { cache.standing(of: $0) }
    return SessionStatus(
      number: number, client: client, process: process, user: user, dataset: dataset.rawValue, rank: rank,
      ranks: ranks, epoch: progress.epoch, batch: progress.batch, batches: progress.batches,
      samplesPerSecond: progress.samplesPerSecond(now: now), bytesPerSecond: progress.bytesPerSecond(now: now),
      idleSeconds: max(0, now - progress.lastRequest),
      waiting: progress.wait.map { WaitStatus($0, standing, now: now) },
      stalls: progress.stalls(now: now, waiting: standing?.seconds))
  }
}

/// All open sessions of the daemon.
final class SessionDirectory: Sendable {
  private struct State {
    var sessions: [Int: SessionRecord] = [:]
    var opened = 0
    /// By the label that metrics know the dataset by; of sessions that have ended.
    var ended: [String: ServedSums] = [:]
  }

  private let labels: BoundedLabels

  /// - Parameter labels: bounds how many datasets are told apart.
  init(labels: BoundedLabels) { self.labels = labels }

  private let state = Mutex(State())

  /// A number for the next session, unique in this daemon's life.
  func nextNumber() -> Int {
    state.withLock { state in
      state.opened += 1
      return state.opened
    }
  }

  func add(_ session: SessionRecord) { state.withLock { $0.sessions[session.number] = session } }

  /// The session is over; what was done for it stays in its dataset's sums.
  func remove(_ session: SessionRecord, now: Double) {
    let label = labels.label(session.dataset.rawValue)
    session.progress { $0.closes(now: now) }
    state.withLock { state in
      guard state.sessions.removeValue(forKey: session.number) != nil else { return }
      state.ended[label, default: ServedSums()].add(session.sums)
    }
  }

  /// What was done since the start, by the label of the dataset.
  var sums: [String: ServedSums] {
    state.withLock { state in
      var sums = state.ended
      for session in state.sessions.values {
        sums[labels.label(session.dataset.rawValue), default: ServedSums()].add(session.sums)
      }
      return sums
    }
  }

  /// Open sessions in the order in which they came.
  var all: [SessionRecord] { state.withLock { $0.sessions.values.sorted { $0.number < $1.number } } }

  /// Sessions opened since the start.
  var opened: Int { state.withLock { $0.opened } }
}
