import AdminDocuments
import DaemonConfiguration
import DatasetModel
import Logging
import Planning
import WireProtocol

/// What the daemon does for one connection: its sessions, its open shards, an answer for each request.
///
/// Belongs to the connection's thread, which may block in it.
struct ClientService {
  /// Who is on the other side.
  struct Peer: Sendable {
    let client: String
    let process: Int
    let user: Int
    let takesDescriptors: Bool
    /// Whether admin requests are allowed on this connection.
    let isAdmin: Bool
  }

  private let parts: DaemonParts
  private let peer: Peer
  private let limits: ServingLimits
  private var sessions: [UInt32: Session] = [:]
  private var nextSession: UInt32 = 1
  private var access: ShardAccess
  private var inline = InlineBytes()

  init(parts: DaemonParts, peer: Peer) {
    self.parts = parts
    self.peer = peer
    limits = ServingLimits(parts.datasets.current.limits)
    access = ShardAccess(shards: parts.shards, limit: limits.descriptors)
  }

  /// The frames that answer a request; none for a notice.
  ///
  /// - Parameter progress: sends a frame that comes before the answer.
  mutating func answer(
    _ request: Request, number: UInt64, progress: (OutgoingFrame) throws -> Void
  ) throws -> [OutgoingFrame] {
    switch request {
    case .hello: throw ServerError(.malformed, "hello came twice; it is only the first frame of a connection")
    case .open(let open): return [OutgoingFrame(try self.open(open), request: number)]
    case .schema(let schema):
      let schemas = try session(schema.session).dataset.schemas.map { WireSchema($0) }
      return [OutgoingFrame(SchemaReply(schemas: schemas), request: number)]
    case .epoch(let epoch): return [OutgoingFrame(try begin(epoch), request: number)]
    case .batch(let batch): return try self.batch(batch, number)
    case .sample(let sample): return try self.sample(sample, number)
    case .state(let state): return [OutgoingFrame(try self.state(state), request: number)]
    case .status: return [OutgoingFrame(StatusReply(document: try parts.admin.statusDocument()), request: number)]
    case .health: return [OutgoingFrame(parts.health.reply, request: number)]
    case .close(let close):
      _ = try session(close.session)
      end(close.session)
      return [OutgoingFrame(CloseReply(), request: number)]
    case .admin(let admin):
      guard peer.isAdmin else {
        throw ServerError(
          .notPermitted, "\(admin.verb) needs admin rights: the daemon's user, root, or a user under access.admins")
      }
      let document = try parts.admin.answer(admin) { document in
        try progress(OutgoingFrame(ProgressNotice(document: document), request: number))
      }
      return [OutgoingFrame(AdminReply(document: document), request: number)]
    case .dropped(let notice):
      try access.dropped(notice.handles)
      return []
    }
  }

  /// Which session a request is about, for the log.
  func context(of request: Request) -> Logger.Metadata {
    let number: UInt32
    switch request {
    case .schema(let schema): number = schema.session
    case .epoch(let epoch): number = epoch.session
    case .batch(let batch): number = batch.session
    case .sample(let sample): number = sample.session
    case .state(let state): number = state.session
    default: return [:]
    }
    guard let record = sessions[number]?.record else { return [:] }
    return ["session": "\(record.number)", "dataset": "\(record.dataset)", "rank": "\(record.rank)"]
  }

  /// Ends all sessions; the connection is gone.
  mutating func close() {
    for number in sessions.keys { end(number) }
  }

  /// Whether a client that stays silent keeps anything from the others.
  var holdsFiles: Bool { access.holdsFiles }

  /// Lets go of the files held for a client that has been silent for `seconds`: its sessions lose their leases, not
  /// their place. It may still have descriptors; the next reply orders those closed.
  mutating func rest(after seconds: Double) {
    let files = access.rest()
    parts.logger.info(
      "idle: files let go of",
      metadata: ["client": "\(peer.client)", "pid": "\(peer.process)", "files": "\(files)", "seconds": "\(seconds)"])
  }

  private mutating func end(_ number: UInt32) {
    guard let session = sessions.removeValue(forKey: number) else { return }
    parts.sessions.remove(session.record, now: parts.clock.now)
    parts.shards.futures.ended(session.record)
  }

  private func session(_ number: UInt32) throws(ServerError) -> Session {
    guard let session = sessions[number] else {
      throw ServerError(
        .unknownSession, "session \(number) is not open on this connection; open the dataset again", retry: .never)
    }
    return session
  }
}

// MARK: Sessions

extension ClientService {
  private mutating func open(_ request: OpenRequest) throws -> OpenReply {
    guard sessions.count < limits.sessions else {
      throw ServerError(
        .tooManySessions, "this connection has \(sessions.count) sessions, the most it may have; close one first")
    }
    let place = try SessionPlace(request)
    let resume = SessionResume(try request.resume?.checked())
    let datasets = parts.datasets
    let dataset = try waitForTask { try await datasets.dataset(request) }
    let setup: EpochSetup
    do {
      setup = try EpochSetup(
        PlanRequest(
          streams: dataset.planStreams, options: dataset.specification.options, world: place.world,
          epoch: resume.firstEpoch, resume: resume.point))
    } catch {
      throw ServerError(.planRefused, "dataset \(dataset.name): \(error)", cause: error)
    }
    let order = dataset.order(setup)
    let fingerprint = order.fingerprint(FingerprintDigest.make())
    var warnings = dataset.warnings + setup.warnings.map(\.text)
    if let expected = request.expected {
      warnings += try FingerprintCheck.compare(expected, with: order, fingerprint: fingerprint)
    }
    let record = SessionRecord(
      number: parts.sessions.nextNumber(), client: peer.client, process: peer.process, user: peer.user,
      dataset: dataset.name, rank: place.rank, ranks: place.world.ranks,
      future: parts.shards.futures.openSession(), now: parts.clock.now)
    let session = Session(
      number: nextSession, record: record, dataset: dataset, world: place.world, node: place.node,
      rank: setup.world.planningRank(ofRank: place.rank), resume: resume, setup: setup,
      order: order, fingerprint: fingerprint)
    sessions[nextSession] = session
    nextSession += 1
    parts.sessions.add(record)
    parts.logger.info(
      "session opened",
      metadata: [
        "session": "\(record.number)", "dataset": "\(dataset.name)", "rank": "\(place.rank)",
        "ranks": "\(place.world.ranks)", "client": "\(peer.client)", "pid": "\(peer.process)", "uid": "\(peer.user)",
      ])
    return OpenReply(session, warnings: warnings)
  }

  private func state(_ request: StateRequest) throws(ServerError) -> StateReply {
    let session = try session(request.session)
    guard request.samples >= 0, request.samples <= session.setup.epochSize + session.setup.globalBatch else {
      throw ServerError(
        .badResume, "samples is \(request.samples); this rank is given \(session.setup.datasetLength) in an epoch")
    }
    return StateReply(
      position: session.position(epoch: request.epoch, samples: request.samples),
      fingerprint: session.fingerprint.description, description: session.order.text)
  }
}

// MARK: Epochs and batches

extension ClientService {
  private mutating func begin(_ request: EpochRequest) throws -> EpochReply {
    let record = try session(request.session).record
    record.progress { $0.requested(now: parts.clock.now) }
    defer { record.progress { $0.replied(now: parts.clock.now) } }
    let epoch = try epoch(request.epoch, of: request.session)
    let session = try session(request.session)
    return EpochReply(
      epoch: request.epoch, sampleInEpoch: epoch.plan.summary.sampleInEpoch, batches: UInt32(epoch.batches),
      batchesPerWorker: UInt32(epoch.plan.shape.batchesPerWorker), samples: epoch.samples,
      together: UInt32(epoch.together),
      warnings: request.epoch == session.resume.firstEpoch ? epoch.plan.warnings.map(\.text) + epoch.warnings : [])
  }

  /// The plan of an epoch as this session's rank consumes it; planned now if it has to be.
  private mutating func epoch(_ number: Int, of sessionNumber: UInt32) throws -> SessionEpoch {
    var session = try session(sessionNumber)
    if let current = session.current, current.epoch == number { return current }
    guard number >= 0, number < 1 << 40 else {
      throw ServerError(.pastEnd, "epoch is \(number); epochs count from 0 to 2⁴⁰ − 1")
    }
    let epochs = parts.epochs
    let began = parts.clock.now
    let record = session.record
    record.progress { $0.waits(for: "the plan of epoch \(number)", since: began) }
    defer { record.progress { $0.waited(until: parts.clock.now) } }
    let plan: EpochPlan
    let key: PlanIdentity
    do {
      let wanted = try session.wantedPlan(epoch: number)
      key = wanted.key
      plan = try waitForTask { try await epochs.plan(wanted) }
    } catch let error as PlanningError {
      throw ServerError(.planRefused, "dataset \(session.dataset.name), epoch \(number): \(error)", cause: error)
    }
    var epoch = SessionEpoch(epoch: number, plan: plan, rank: session.rank)
    let room = try parts.shards.limits.check(epoch, key: key, of: session)
    (epoch.warnings, epoch.together) = (room.warnings, room.together)
    record.progress { $0.began(epoch: number, batches: epoch.batches) }
    session.current = epoch
    sessions[sessionNumber] = session
    parts.shards.futures.began(epoch, key: key, of: session, plans: epochs)
    return epoch
  }

  private mutating func batch(_ request: BatchRequest, _ number: UInt64) throws -> [OutgoingFrame] {
    let record = try session(request.session).record
    record.progress { $0.requested(now: parts.clock.now) }
    let epoch = try epoch(request.epoch, of: request.session)
    let session = try session(request.session)
    let selection = try BatchSelection(
      request, available: epoch.batches, workers: epoch.plan.shape.workersPerRank,
      perWorker: epoch.plan.shape.batchesPerWorker,
      most: max(1, limits.samples / max(1, epoch.plan.shape.batchSize)))
    var counts: [UInt32] = []
    var ids: [Int] = []
    for batch in selection.batches {
      let samples = epoch.plan.deviceBatch(rank: session.rank, batch: batch)
      counts.append(UInt32(samples.count))
      ids += samples
    }
    parts.shards.futures.reached(batch: selection.batches.first ?? 0, of: session)
    let places = SamplePlaces(counts: counts, ids: ids, dataset: session.dataset)
    let (frames, bytes) = try self.frames(
      session, number, epoch: request.epoch, first: selection.first, places: places, wanted: request.bytes)
    let next = (selection.batches.last ?? -1) + 1
    // What was served is needed no more, also while the client takes its time to ask for the next.
    parts.shards.futures.reached(batch: next, of: session)
    record.progress {
      $0.served(next: next, count: counts.count, samples: ids.count, bytes: bytes, now: parts.clock.now)
    }
    if next * 2 >= epoch.batches {
      parts.shards.futures.looksAhead(beyond: epoch.epoch, of: session, plans: parts.epochs)
    }
    return frames
  }

  private mutating func sample(_ request: SampleRequest, _ number: UInt64) throws -> [OutgoingFrame] {
    let session = try session(request.session)
    session.record.progress { $0.requested(now: parts.clock.now) }
    guard request.ids.count <= limits.samples else {
      throw ServerError(.tooMuch, "\(request.ids.count) samples were asked for; one request may have \(limits.samples)")
    }
    let size = Int64(session.setup.totalSamples)
    if let bad = request.ids.first(where: { $0 < 0 || $0 >= size }) {
      throw ServerError(.badSample, "no sample has the id \(bad); ids are 0 to \(size - 1)")
    }
    let places = SamplePlaces(
      counts: [UInt32(request.ids.count)], ids: request.ids.map(Int.init), dataset: session.dataset)
    let (frames, bytes) = try self.frames(session, number, epoch: -1, first: 0, places: places, wanted: request.bytes)
    session.record.progress { $0.replied(now: parts.clock.now, samples: request.ids.count, bytes: bytes) }
    return frames
  }

  private mutating func frames(
    _ session: Session, _ number: UInt64, epoch: Int, first: UInt32, places: SamplePlaces, wanted: BytesWanted
  ) throws -> (frames: [OutgoingFrame], bytes: Int) {
    // A client with several requests under way reports late, and one with a defect never: until it has caught up it gets
    // bytes, so that what it holds stays bounded.
    let terms = BatchAnswer.Terms(
      inlineBelow: limits.inlineBytes, replyBytes: limits.replyBytes, takesDescriptors: peer.takesDescriptors,
      mayPass: access.awaitingDrop <= limits.descriptors)
    var answer = BatchAnswer(terms: terms, session: session, number: number)
    inline.settle()
    return try answer.frames(
      epoch: epoch, first: first, places: places, wanted: wanted, access: &access, inline: &inline)
  }
}
