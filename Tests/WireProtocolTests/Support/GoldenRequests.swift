import DatasetModel
import WireProtocol

/// A golden frame's meaning: its request number and payload.
struct Golden<Payload: Sendable & Hashable>: Sendable, CustomStringConvertible {
  let name: String
  let number: UInt64
  let payload: Payload
  var description: String { name }
}

private let oneRank = WireWorld(nodes: 1, ranksPerNode: 1, workersPerRank: 1)

/// What each `request-*.frame` says, in Swift.
let goldenRequests: [Golden<Request>] = [
  Golden(
    name: "request-hello", number: 1,
    payload: .hello(HelloRequest(capabilities: .descriptors, process: 4242, client: "sluice-python 1.0"))),
  Golden(
    name: "request-hello-longest-name", number: .max,
    payload: .hello(
      HelloRequest(
        maximumVersion: 65535, capabilities: [], process: 4242, client: String(repeating: "ü", count: 64)))),
  Golden(
    name: "request-open-named", number: 2,
    payload: .open(OpenRequest(dataset: .named("pile"), world: oneRank, rank: .rank(0)))),
  Golden(name: "request-open-inline-resumed", number: 3, payload: .open(inlineResumed)),
  Golden(
    name: "request-open-first-run", number: 4,
    payload: .open(
      OpenRequest(
        dataset: .named("größe/数据"), overrides: "{}", world: WireWorld(nodes: 2, ranksPerNode: 1, workersPerRank: 8),
        rank: .rank(1), resume: ResumePoint(epoch: 0, initialPhysicalNodes: 2),
        expected: ExpectedDataset(fingerprint: "ab")))),
  Golden(name: "request-schema", number: 5, payload: .schema(SchemaRequest(session: 1))),
  Golden(name: "request-epoch", number: 6, payload: .epoch(EpochRequest(session: 1, epoch: 1 << 62))),
  Golden(
    name: "request-batch-of-rank", number: 7, payload: .batch(BatchRequest(session: 1, epoch: 0, first: 0))),
  Golden(
    name: "request-batch-of-worker", number: 8,
    payload: .batch(BatchRequest(session: .max, epoch: 5, worker: 3, first: 100, count: 16, bytes: .descriptors))),
  Golden(
    name: "request-batch-indices", number: 9,
    payload: .batch(BatchRequest(session: 2, epoch: 1, worker: 0, first: 1, count: 0, bytes: .none))),
  Golden(
    name: "request-sample", number: 10,
    payload: .sample(SampleRequest(session: 1, bytes: .inline, ids: [0, 7, 1 << 40, -1]))),
  Golden(name: "request-sample-none", number: 11, payload: .sample(SampleRequest(session: 1, ids: []))),
  Golden(name: "request-state", number: 12, payload: .state(StateRequest(session: 1, epoch: 3, samples: 4096))),
  Golden(name: "request-status", number: 13, payload: .status(StatusRequest())),
  Golden(name: "request-close", number: 14, payload: .close(CloseRequest(session: 1))),
  Golden(name: "request-health", number: 15, payload: .health(HealthRequest())),
  Golden(
    name: "request-admin", number: 16,
    payload: .admin(AdminRequest(verb: "evict", argument: #"{"stream": "c4"}"#))),
  Golden(name: "request-dropped", number: 0, payload: .dropped(DroppedNotice(handles: [1, 2, 3, .max]))),
]

private let inlineResumed = OpenRequest(
  dataset: .inline(document: #"{"streams": [{"remote": "https://data.example/c4"}]}"#),
  overrides: #"{"batch_size": 16}"#, world: WireWorld(nodes: 4, ranksPerNode: 8, workersPerRank: 2),
  rank: .device(7, node: 3),
  resume: ResumePoint(epoch: 2, sampleInEpoch: 123_456_789_012, canonicalNodes: 8, shuffleSeed: -1),
  expected: ExpectedDataset(
    fingerprint: String(repeating: "00ff", count: 8), description: #"{"seed": 9176}"#, acceptDifferent: true))
