import Codecs

/// The encodings that a packer writes (formats.md §3). Images come as the bytes of their files.
enum ColumnEncoding: Sendable, Hashable {
  case bytes, str, int, json, jpeg, png
  case integer(bits: Int, isSigned: Bool)
  case float(bits: Int)
  case textInteger, textFloat, textDecimal
  case array(NDArrayForm)

  /// What may be written in `--columns`.
  static let names =
    "bytes, str, int, json, int8…int64, uint8…uint64, float16…float64, str_int, str_float, str_decimal, "
    + "ndarray[:dtype[:shape]], jpeg, png"

  init?(_ name: String) {
    switch name {
    case "bytes": self = .bytes
    case "str": self = .str
    case "int": self = .int
    case "json": self = .json
    case "jpeg": self = .jpeg
    case "png": self = .png
    case "str_int": self = .textInteger
    case "str_float": self = .textFloat
    case "str_decimal": self = .textDecimal
    default:
      if let form = NDArrayForm(name) {
        self = .array(form)
      } else if let kind = ElementKind(rawValue: name) {
        self = kind.isFloat ? .float(bits: kind.bits) : .integer(bits: kind.bits, isSigned: kind.isSigned)
      } else {
        return nil
      }
    }
  }

  /// Bytes of every value, if the encoding fixes them.
  var size: Int? {
    switch self {
    case .int: 8
    case .integer(let bits, _), .float(let bits): bits / 8
    case .array(let form): form.size
    default: nil
    }
  }
}

/// The element types of arrays, under numpy's names; the raw values of scalar encodings too.
enum ElementKind: String, CaseIterable, Sendable, Hashable {
  case uint8, int8, uint16, int16, float16, uint32, int32, float32, uint64, int64, float64

  /// The code that an array of no fixed type begins with (formats.md §4).
  var code: UInt8 {
    switch self {
    case .uint8: 8
    case .int8: 9
    case .uint16: 16
    case .int16: 17
    case .float16: 18
    case .uint32: 32
    case .int32: 33
    case .float32: 34
    case .uint64: 64
    case .int64: 65
    case .float64: 66
    }
  }

  var bits: Int {
    switch self {
    case .uint8, .int8: 8
    case .uint16, .int16, .float16: 16
    case .uint32, .int32, .float32: 32
    case .uint64, .int64, .float64: 64
    }
  }

  var isFloat: Bool { self == .float16 || self == .float32 || self == .float64 }
  var isSigned: Bool { self == .int8 || self == .int16 || self == .int32 || self == .int64 }
  var bytes: Int { bits / 8 }
}

/// What an array encoding's name fixes: `ndarray`, `ndarray:uint16`, `ndarray:uint16:2048`.
struct NDArrayForm: Sendable, Hashable {
  let kind: ElementKind?
  let shape: [Int]?

  init(kind: ElementKind?, shape: [Int]?) {
    self.kind = kind
    self.shape = shape
  }

  init?(_ name: String) {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    guard parts[0] == "ndarray", parts.count <= 3 else { return nil }
    if parts.count == 1 {
      self.init(kind: nil, shape: nil)
      return
    }
    guard let kind = ElementKind(rawValue: String(parts[1])) else { return nil }
    if parts.count == 2 {
      self.init(kind: kind, shape: nil)
      return
    }
    var shape: [Int] = []
    for text in parts[2].split(separator: ",", omittingEmptySubsequences: false) {
      guard let dimension = Int(text), dimension >= 1, "\(dimension)" == text else { return nil }
      shape.append(dimension)
    }
    var bytes = kind.bytes
    for dimension in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension)
      guard !overflow, product <= Int(UInt32.max) else { return nil }
      bytes = product
    }
    self.init(kind: kind, shape: shape)
  }

  var name: String {
    guard let kind else { return "ndarray" }
    guard let shape else { return "ndarray:\(kind.rawValue)" }
    return "ndarray:\(kind.rawValue):" + shape.map(String.init).joined(separator: ",")
  }

  var size: Int? {
    guard let kind, let shape else { return nil }
    return shape.reduce(kind.bytes, *)
  }

  /// The stored bytes before the elements: what the name leaves open.
  func head(kind actual: ElementKind, shape actualShape: [Int]) -> [UInt8] {
    var head: [UInt8] = []
    if kind == nil { head.append(actual.code) }
    if shape == nil {
      let largest = actualShape.max() ?? 0
      let power = largest < 1 << 8 ? 0 : largest < 1 << 16 ? 1 : largest < 1 << 32 ? 2 : 3
      head.append(UInt8(actualShape.count << 2 | power))
      for dimension in actualShape {
        withUnsafeBytes(of: UInt64(dimension).littleEndian) { head += $0.prefix(1 << power) }
      }
    }
    return head
  }
}
