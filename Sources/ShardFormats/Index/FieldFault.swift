/// A fault and the field of a record it is in, before stream and shard are known.
struct FieldFault: Error {
  var field: String?
  let fault: IndexFault

  init(_ field: String?, _ fault: IndexFault) {
    self.field = field
    self.fault = fault
  }

  /// True when more of the document could cure it.
  var isUnexpectedEnd: Bool {
    if case .json(.unexpectedEnd, _) = fault { true } else { false }
  }
}

extension JSONCursor {
  /// Runs `body`, giving a fault of the text the field's name and the place in the document.
  mutating func read<Value>(
    _ field: @autoclosure () -> String?, _ body: (inout JSONCursor) throws(JSONFault) -> Value
  ) throws(FieldFault) -> Value {
    do throws(JSONFault) {
      return try body(&self)
    } catch {
      throw FieldFault(field(), .json(error, offset: position))
    }
  }
}
