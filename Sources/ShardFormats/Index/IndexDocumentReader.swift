import DatasetModel

/// Reads one index.json front to back from windows of its bytes, a step at a time.
///
/// Steps: the opening brace, each member of the document, each record of `shards`, the end. A step that runs into the
/// window's end has done nothing and is taken again with more bytes.
struct IndexDocumentReader {
  private enum State {
    case start, member, afterMember, firstRecord, record, afterRecord, done
  }

  let stream: StreamName
  let subdirectory: String
  private let directory: [UInt8]
  private var state = State.start
  private var scanned = ScannedRecord()
  private var seenVersion = false
  private var seenShards = false
  /// Records read, whether or not they were good.
  private(set) var records = 0
  /// Bytes of the document before the current window.
  private var base = 0

  init(stream: StreamName, subdirectory: String) throws(IndexError) {
    self.stream = stream
    self.subdirectory = subdirectory
    directory = subdirectory.isEmpty ? [] : Array(subdirectory.utf8) + [UInt8(ascii: "/")]
    if !subdirectory.isEmpty, let fault = RelativePath.fault(of: subdirectory.utf8) {
      throw error(nil, FieldFault(nil, .unsafeName(subdirectory, fault)))
    }
  }

  /// Takes every step that `window` allows and answers how many of its bytes are used up.
  ///
  /// - Parameters:
  ///   - isLast: whether the document ends with the window.
  ///   - onFault: told of a bad record; answers whether to go on after it. A document that is no JSON always ends here.
  mutating func consume(
    _ window: UnsafeRawBufferPointer, isLast: Bool, into assembly: inout ManifestAssembly,
    onFault: (IndexError) -> Bool
  ) throws(IndexError) -> Int {
    var position = 0
    while true {
      var cursor = JSONCursor(window, at: position)
      let isRecord = isAtRecord
      do throws(FieldFault) {
        guard try step(&cursor, &assembly) else { break }
        position = cursor.position
      } catch {
        if error.isUnexpectedEnd, !isLast { break }
        let located = self.error(isRecord ? records : nil, error)
        guard isRecord, !error.isUnexpectedEnd, onFault(located) else { throw located }
        // Pass over the bad record; if it is not even JSON, the document ends here.
        var rest = JSONCursor(window, at: position)
        do throws(JSONFault) { try passRecord(&rest) } catch {
          if error == .unexpectedEnd, !isLast { break }
          throw located
        }
        position = rest.position
      }
    }
    base += position
    return position
  }

  /// Checks that the document was complete.
  func finish() throws(IndexError) {
    guard case .done = state else { throw error(nil, FieldFault(nil, .json(.unexpectedEnd, offset: base))) }
    if !seenShards { throw error(nil, FieldFault("shards", .missingKey)) }
    if !seenVersion { throw error(nil, FieldFault("version", .missingKey)) }
  }

  private var isAtRecord: Bool {
    switch state {
    case .record, .firstRecord: true
    default: false
    }
  }

  private func error(_ shard: Int?, _ fault: FieldFault) -> IndexError {
    var cause = fault.fault
    if case .json(let reason, let offset) = cause { cause = .json(reason, offset: base + offset) }
    return IndexError(stream: stream, subdirectory: subdirectory, shard: shard, field: fault.field, fault: cause)
  }

  /// One step; false when the document is complete and nothing follows.
  private mutating func step(
    _ cursor: inout JSONCursor, _ assembly: inout ManifestAssembly
  ) throws(FieldFault) -> Bool {
    switch state {
    case .start:
      try cursor.read(nil) { cursor throws(JSONFault) in try cursor.expect(UInt8(ascii: "{"), "a JSON object") }
      state = .member
    case .member: try member(&cursor)
    case .afterMember:
      let goesOn = try goesOn(&cursor, UInt8(ascii: "}"), "\",\" or \"}\"")
      state = goesOn ? .member : .done
    case .firstRecord:
      if try cursor.read("shards", { cursor throws(JSONFault) in try cursor.take(UInt8(ascii: "]")) }) {
        state = .afterMember
      } else {
        try record(&cursor, &assembly)
      }
    case .record: try record(&cursor, &assembly)
    case .afterRecord:
      let goesOn = try goesOn(&cursor, UInt8(ascii: "]"), "\",\" or \"]\"")
      state = goesOn ? .record : .afterMember
    case .done:
      do throws(JSONFault) { _ = try cursor.peek() } catch { return false }
      throw FieldFault(nil, .trailingBytes(offset: base + cursor.position))
    }
    return true
  }

  private mutating func member(_ cursor: inout JSONCursor) throws(FieldFault) {
    let key = try cursor.read(nil) { cursor throws(JSONFault) in
      let key = try cursor.string()
      try cursor.expect(UInt8(ascii: ":"), "\":\"")
      return key
    }
    if key.equals("shards", in: cursor.bytes) {
      if seenShards { throw FieldFault("shards", .duplicateKey) }
      try cursor.read("shards") { cursor throws(JSONFault) in try cursor.expect(UInt8(ascii: "["), "a list") }
      seenShards = true
      state = .firstRecord
      return
    }
    if key.equals("version", in: cursor.bytes) {
      if seenVersion { throw FieldFault("version", .duplicateKey) }
      let version = try cursor.read("version") { cursor throws(JSONFault) in try cursor.integer() }
      guard version == 2 else { throw FieldFault("version", .unsupportedVersion(version)) }
      seenVersion = true
    } else {
      let field = key.value(in: cursor.bytes)
      try cursor.read(field) { cursor throws(JSONFault) in try cursor.skip() }
    }
    state = .afterMember
  }

  private mutating func record(
    _ cursor: inout JSONCursor, _ assembly: inout ManifestAssembly
  ) throws(FieldFault) {
    try scanned.scan(&cursor)
    try assembly.append(scanned, cursor.bytes, directory: directory)
    records += 1
    state = .afterRecord
  }

  private mutating func passRecord(_ cursor: inout JSONCursor) throws(JSONFault) {
    try cursor.skip()
    records += 1
    state = .afterRecord
  }

  private func goesOn(_ cursor: inout JSONCursor, _ end: UInt8, _ what: String) throws(FieldFault) -> Bool {
    try cursor.read(nil) { cursor throws(JSONFault) in
      if try cursor.take(UInt8(ascii: ",")) { return true }
      try cursor.expect(end, what)
      return false
    }
  }
}
