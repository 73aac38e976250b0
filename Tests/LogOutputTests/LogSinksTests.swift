import LinuxSystem
import LogOutput
import Logging
import Synchronization
import Testing

@Suite struct LogSinksTests {
  private let record = LogRecord(
    time: 0, level: .warning, label: "sluiced", message: "shard could not\nbe fetched",
    fields: [(name: "shard", value: "shard.00001.mds"), (name: "why", value: "timed \"out\"\n at 3")])

  @Test func textKeepsAnEventOnOneLineAndQuotesWhatNeedsIt() {
    let line = TextLogSink(colored: false).line(record)
    #expect(
      line
        == #"1970-01-01T00:00:00.000Z WARNING shard could not ⏎ be fetched shard=shard.00001.mds why="timed \"out\"\n at 3""#
    )
    #expect(TextLogSink(colored: true).line(record).contains("\u{1b}[33mWARNING"))
  }

  @Test func jsonEscapesControlCharacters() {
    let odd = LogRecord(time: 1.5, level: .info, label: "l", message: "a\u{01}b", fields: [(name: "k", value: "\\")])
    #expect(
      JSONLogSink().line(odd)
        == #"{"time":"1970-01-01T00:00:01.500Z","level":"info","message":"a\u0001b","k":"\\"}"#)
  }

  @Test(arguments: zip([Logger.Level.critical, .error, .warning, .notice, .info, .debug], [2, 3, 4, 5, 6, 7]))
  func journalPrioritiesAreSyslogs(level: Logger.Level, priority: Int) throws {
    let fields = try JournalLogSink(JournalSocket()).fields(
      LogRecord(time: 0, level: level, label: "l", message: "m", fields: [(name: "shard-name", value: "s")]))
    #expect(fields.contains { $0.name == "PRIORITY" && $0.value == "\(priority)" })
    #expect(fields.contains { $0.name == "SLUICE_SHARD_NAME" && $0.value == "s" })
  }

  @Test func theHandlerMergesMetadataAndCountsWhatAFloodHeldBack() {
    let sink = MemorySink()
    var logger = Logger(label: "test") { label in
      DaemonLogHandler(label: label, shared: DaemonLogHandler.Shared(sink: sink))
    }
    logger[metadataKey: "stream"] = "web"
    logger.debug("not shown")
    for number in 0..<100 { logger.info("same", metadata: ["n": "\(number)"]) }
    logger.info("other")
    let records = sink.records.withLock { $0 }
    #expect(records.count == FloodGate().burst + 1)
    #expect(records[3].fields.map(\.name) == ["n", "stream"])
    #expect(records.last?.message == "other")
    let handler = DaemonLogHandler.Shared(sink: sink)
    let flooded = Logger(label: "test") { DaemonLogHandler(label: $0, shared: handler) }
    for _ in 0..<50 { flooded.warning("again") }
    handler.tellHeldBack()
    handler.tellHeldBack()
    let told = sink.records.withLock { $0 }.filter { $0.message == "like records held back" }
    #expect(told.count == 1 && told.first?.level == .warning)
    #expect(told.first?.fields.map(\.value) == ["\(50 - FloodGate().burst)", "again"])
  }

  @Test func theLevelOfEveryLoggerChangesAtOnce() {
    let sink = MemorySink()
    let shared = DaemonLogHandler.Shared(sink: sink, level: .warning)
    let loggers = ["a", "b"].map { name in Logger(label: name) { DaemonLogHandler(label: $0, shared: shared) } }
    for logger in loggers { logger.info("before") }
    shared.level = .info
    for logger in loggers { logger.info("after") }
    #expect(sink.records.withLock { $0.map(\.message) } == ["after", "after"])
  }
}

@Suite struct FloodGateTests {
  @Test func aNewIntervalSaysHowManyWereHeld() {
    var gate = FloodGate(burst: 2, interval: 10)
    let first = (0..<5).map { _ in gate.admit("k", now: 100).passes }
    #expect(first == [true, true, false, false, false])
    let later = gate.admit("k", now: 110)
    #expect(later.passes && later.heldBefore == 3)
    #expect(gate.admit("k", now: 111).heldBefore == 0)
  }

  @Test func aFloodThatIsOverIsTold() {
    var gate = FloodGate(burst: 2, interval: 10)
    for _ in 0..<5 { _ = gate.admit("k", now: 100) }
    _ = gate.admit("quiet", now: 101)
    #expect(gate.overdue(now: 109).isEmpty)
    let over = gate.overdue(now: 110)
    #expect(over.map(\.key) == ["k"] && over.map(\.held) == [3])
    #expect(gate.overdue(now: 200).isEmpty)
    #expect(gate.admit("k", now: 201).heldBefore == 0)
  }

  @Test func manyMessagesDoNotGrowItWithoutBound() {
    var gate = FloodGate()
    for number in 0..<10 * FloodGate.maximumMessages { #expect(gate.admit("\(number)", now: 0).passes) }
  }
}

private final class MemorySink: LogSink {
  let records = Mutex<[LogRecord]>([])
  func write(_ record: LogRecord) { records.withLock { $0.append(record) } }
}
