/// Turns nested lists of numbers into the bytes of an array encoding (formats.md §4).
enum ArrayEncoder {
  /// Most axes that the stored form can count.
  private static let maximumAxes = 63

  static func append(_ value: JSONValue, _ form: NDArrayForm, to bytes: inout [UInt8]) throws(ValueFault) {
    guard case .list = value else { throw ValueFault("expected a list of numbers, found \(value.kind)") }
    let shape = try shape(of: value)
    if let wanted = form.shape, wanted != shape {
      throw ValueFault("expected the shape \(describe(wanted)), found \(describe(shape))")
    }
    // numpy makes whole numbers int64 and anything with a fraction float64.
    let kind = form.kind ?? (hasFraction(value) ? .float64 : .int64)
    bytes += form.head(kind: kind, shape: shape)
    bytes.reserveCapacity(bytes.count + shape.reduce(kind.bytes, *))
    try append(value, kind, shape[...], to: &bytes)
  }

  /// The shape that the first elements show; `append` holds the others to it.
  private static func shape(of value: JSONValue) throws(ValueFault) -> [Int] {
    var shape: [Int] = []
    var inner = value
    while case .list(let elements) = inner {
      guard let first = elements.first else { throw ValueFault("an array cannot be empty") }
      guard shape.count < maximumAxes else { throw ValueFault("an array has at most \(maximumAxes) axes") }
      shape.append(elements.count)
      inner = first
    }
    return shape
  }

  private static func append(
    _ value: JSONValue, _ kind: ElementKind, _ shape: ArraySlice<Int>, to bytes: inout [UInt8]
  ) throws(ValueFault) {
    guard let count = shape.first else {
      if kind.isFloat {
        ValueEncoder.appendFloat(try ValueEncoder.number(value), bits: kind.bits, to: &bytes)
      } else {
        try ValueEncoder.appendInteger(value, bits: kind.bits, isSigned: kind.isSigned, to: &bytes)
      }
      return
    }
    guard case .list(let elements) = value, elements.count == count else {
      throw ValueFault("the rows of an array must all have the same length")
    }
    for element in elements { try append(element, kind, shape.dropFirst(), to: &bytes) }
  }

  private static func hasFraction(_ value: JSONValue) -> Bool {
    switch value {
    case .number: true
    case .list(let elements): elements.contains(where: hasFraction)
    default: false
    }
  }

  private static func describe(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: "×") }
}
