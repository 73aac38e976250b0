import DatasetModel
import LinuxSystem
import ShardFormats
import WireProtocol

/// Makes the frames that answer a batch or sample request.
struct BatchAnswer {
  /// What the daemon and the client allow.
  struct Terms {
    /// Mean sample size in bytes below which bytes go inline when the client leaves it to the daemon.
    let inlineBelow: Int
    /// Most bytes of a reply.
    let replyBytes: Int
    /// Whether the client can receive descriptors.
    let takesDescriptors: Bool
    /// Whether it may get more files now, or has to close some first and gets bytes until then.
    let mayPass: Bool
  }

  let terms: Terms
  let session: Session
  let number: UInt64

  /// - Parameters:
  ///   - epoch: −1 for random access.
  ///   - first: the first batch as the request counted it.
  mutating func frames(
    epoch: Int, first: UInt32, places: SamplePlaces, wanted: BytesWanted, access: inout ShardAccess,
    inline: inout InlineBytes
  ) throws -> (frames: [OutgoingFrame], bytes: Int) {
    var reply = BatchReply(epoch: epoch, first: first, columns: places.columns, body: .none)
    let mode = try mode(wanted)
    if mode == .none {
      return (dropFrames(&access) + [OutgoingFrame(reply, request: number)], 0)
    }
    let open = try access.open(places, for: session)
    var samples: [(shard: OpenShard, range: Range<Int>)] = []
    var handles: [UInt32] = []
    samples.reserveCapacity(places.slots.count)
    handles.reserveCapacity(places.slots.count)
    for (index, slot) in places.slots.enumerated() {
      guard let entry = open[slot] else { preconditionFailure("a shard that was asked for was not opened") }
      samples.append((entry.file, entry.file.table[Int(places.columns.indices[index])]))
      handles.append(entry.handle)
    }
    let bytes = samples.reduce(0) { $0 + $1.range.count }
    // A file that may not be kept is not passed either.
    if mode == .inline || !terms.mayPass || open.contains(where: { !$0.value.file.mayBeKept }) {
      let offsets = try inline.fill(samples, limit: terms.replyBytes) { name(places, $0) }
      reply.body = .inline(offsets: offsets, bytes: [])
      var writer = FrameWriter()
      writer.appendHead(of: reply, request: number)
      return (
        dropFrames(&access) + [OutgoingFrame(head: writer.bytes, tail: inline.bytes, tailCount: bytes)], bytes
      )
    }
    var frames = passFrames(open, access: &access)
    reply.body = .files(
      BatchReply.FileColumns(
        handles: handles, offsets: samples.map { UInt64($0.range.lowerBound) },
        lengths: samples.map { UInt32($0.range.count) }, drops: access.release()))
    frames.append(OutgoingFrame(reply, request: number))
    return (frames, bytes)
  }

  private func mode(_ wanted: BytesWanted) throws(ServerError) -> BytesWanted {
    switch wanted {
    case .none, .inline: return wanted
    case .descriptors:
      guard terms.takesDescriptors else {
        throw ServerError(.malformed, "descriptors were asked for, but the client's hello says that it cannot take any")
      }
      return .descriptors
    case .daemonChooses:
      return terms.takesDescriptors && session.dataset.meanSampleBytes >= terms.inlineBelow ? .descriptors : .inline
    }
  }

  /// What tells the client to close files, before a reply that has no place for it.
  private func dropFrames(_ access: inout ShardAccess) -> [OutgoingFrame] {
    let drops = access.release()
    return drops.isEmpty ? [] : [OutgoingFrame(DropNotice(handles: drops), request: number)]
  }

  /// The frames that carry descriptors the client does not have yet, at most 253 each.
  private func passFrames(
    _ open: [ShardSlot: OpenShardTable<OpenShard>.Entry], access: inout ShardAccess
  ) -> [OutgoingFrame] {
    var frames: [OutgoingFrame] = []
    var group: [OpenShardTable<OpenShard>.Entry] = []
    func flush() {
      guard !group.isEmpty else { return }
      let notice = DescriptorsNotice(handles: group.map(\.handle))
      frames.append(
        OutgoingFrame(
          head: notice.frame(request: number, descriptors: group.count), descriptors: group.map(\.file.file)))
      group = []
    }
    for (slot, entry) in open where !entry.passed {
      group.append(entry)
      access.markPassed(slot)
      if group.count == ProtocolLimits.descriptorsPerFrame { flush() }
    }
    flush()
    return frames
  }

  private func name(_ places: SamplePlaces, _ index: Int) -> String {
    let stream = session.dataset.streams[Int(places.columns.streams[index])]
    let shard = stream.manifest.shards[Int(places.columns.shards[index])]
    return "shard \(shard.data.raw.basename) of stream \(stream.name)"
  }
}
