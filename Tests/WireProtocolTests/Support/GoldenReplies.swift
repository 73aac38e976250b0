import DatasetModel
import WireProtocol

private let columns = BatchColumns(
  counts: [2, 1], ids: [5, (1 << 40) - 1, 0], streams: [0, 1, 0], shards: [0, .max, 2], indices: [5, 9, 0],
  schemas: [0, 1, 0])
private let noColumns = BatchColumns(counts: [], ids: [], streams: [], shards: [], indices: [], schemas: [])

private func batch(_ body: BatchReply.Body) -> Reply {
  .batch(BatchReply(epoch: 3, first: 7, columns: columns, body: body))
}

/// What each `reply-*.frame` says, in Swift.
let goldenReplies: [Golden<Reply>] = [
  Golden(
    name: "reply-hello", number: 1,
    payload: .hello(
      HelloReply(
        version: 1, capabilities: [.descriptors, .inlineDatasets, .admin], maxReplyBytes: 268_435_456,
        maxPipelined: 16, daemon: "sluiced 1.0", instance: "5f1c0e"))),
  Golden(name: "reply-open", number: 2, payload: .open(openReply)),
  Golden(name: "reply-schema", number: 3, payload: .schema(schemaReply)),
  Golden(
    name: "reply-epoch", number: 4,
    payload: .epoch(
      EpochReply(epoch: 1, sampleInEpoch: 4096, batches: 390, batchesPerWorker: 196, samples: 12480, together: 8))),
  Golden(
    name: "reply-batch-inline", number: 7,
    payload: batch(.inline(offsets: [0, 3, 3, 8], bytes: [1, 2, 3, 4, 5, 6, 7, 8]))),
  Golden(
    name: "reply-batch-files", number: 8,
    payload: batch(
      .files(
        BatchReply.FileColumns(
          handles: [1, 2, 1], offsets: [0, 1 << 40, 17], lengths: [100, 0, .max], drops: [9])))),
  Golden(name: "reply-batch-indices", number: 9, payload: batch(.none)),
  Golden(
    name: "reply-batch-empty-inline", number: 10,
    payload: .batch(
      BatchReply(
        epoch: -1, first: 0,
        columns: BatchColumns(counts: [0], ids: [], streams: [], shards: [], indices: [], schemas: []),
        body: .inline(offsets: [0], bytes: [])))),
  Golden(
    name: "reply-batch-empty-files", number: 11,
    payload: .batch(
      BatchReply(
        epoch: 0, first: 0, columns: noColumns,
        body: .files(BatchReply.FileColumns(handles: [], offsets: [], lengths: []))))),
  Golden(
    name: "reply-state", number: 12,
    payload: .state(
      StateReply(
        position: SessionPosition(
          epoch: 1, sampleInEpoch: 8192, canonicalNodes: 4, shuffleSeed: 9176, initialPhysicalNodes: 2),
        fingerprint: "0123456789abcdef", description: #"{"seed": 9176}"#))),
  Golden(name: "reply-status", number: 13, payload: .status(StatusReply(document: #"{"ready": true}"#))),
  Golden(name: "reply-close", number: 14, payload: .close(CloseReply())),
  Golden(
    name: "reply-health", number: 15,
    payload: .health(HealthReply(state: .degraded, detail: "stream c4: remote unreachable for 40 s"))),
  Golden(name: "reply-admin", number: 16, payload: .admin(AdminReply(document: #"{"evicted_bytes": 1048576}"#))),
  Golden(name: "reply-descriptors", number: 8, payload: .descriptors(DescriptorsNotice(handles: [1, 2, 9]))),
  Golden(
    name: "reply-descriptors-most", number: 8, payload: .descriptors(DescriptorsNotice(handles: Array(1...253)))),
  Golden(name: "reply-drop", number: 10, payload: .drop(DropNotice(handles: [2, 9]))),
  Golden(
    name: "reply-progress", number: 16, payload: .progress(ProgressNotice(document: #"{"shards": 3, "of": 10}"#))),
  Golden(
    name: "reply-error", number: 7,
    payload: .error(
      ErrorReply(
        .shardUnavailable, retry: .after(milliseconds: 1500),
        message: "stream c4, shard 17: the remote answered 503 five times"))),
  Golden(
    name: "reply-error-of-connection", number: 0,
    payload: .error(ErrorReply(.draining, retry: .afterReconnect, message: "the daemon is stopping"))),
  Golden(name: "reply-error-unknown-code", number: 9, payload: .error(unknownError)),
]

private let unknownError: ErrorReply = {
  var error = ErrorReply(.internal, message: "from a newer daemon")
  error.number = 999
  return error
}()

private let openReply = OpenReply(
  session: 1, dataset: "pile", fingerprint: "0123456789abcdef", description: #"{"seed": 9176}"#,
  world: WireWorld(nodes: 2, ranksPerNode: 4, workersPerRank: 2), rank: 5, batchSize: 32, replication: 2,
  position: SessionPosition(
    epoch: 1, sampleInEpoch: 4096, canonicalNodes: 4, shuffleSeed: 9176, initialPhysicalNodes: 2),
  epochSize: 1_000_000_000_000, length: 12500, size: 1_000_000_000, meanSampleBytes: 2048,
  streams: [
    SessionStream(name: "c4", firstSample: 0, samples: 600, shards: 3, drawn: 900),
    SessionStream(name: "数据", firstSample: 600, samples: 400, shards: 2, drawn: 100),
  ],
  warnings: ["stream c4: 3 shards have no digest"])

private let schemaReply = SchemaReply(schemas: [
  WireSchema(
    format: .mds,
    columns: [
      ColumnSchema(name: "tokens", encoding: "ndarray:uint16:2048", size: 4096),
      ColumnSchema(name: "text", encoding: "str", size: nil),
    ]),
  WireSchema(format: .json, newline: "\n", columns: [ColumnSchema(name: "n", encoding: "int", size: nil)]),
  WireSchema(format: .separated, separator: ",", newline: "\r\n", columns: []),
])
