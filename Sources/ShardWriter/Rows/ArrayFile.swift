import LinuxSystem

/// A numpy array on disk: the header of a `.npy` file (numpy's format specification, versions 1 to 3).
struct ArrayFile: Sendable {
  let path: String
  let kind: ElementKind
  let shape: [Int]
  /// Where the elements begin.
  let offset: Int
  let file: OwnedDescriptor

  /// Longest header read.
  private static let maximumHeaderBytes = 1 << 20

  init(path: String) throws(PackError) {
    self.path = path
    let start: [UInt8]
    let size: Int
    do throws(SystemError) {
      file = try OwnedDescriptor.openingToRead(path)
      size = try file.size()
      start = try file.read(count: min(size, Self.maximumHeaderBytes), at: 0)
    } catch { throw PackError(.system, "\(path): \(error)") }
    guard start.count >= 10, start.starts(with: [0x93] + Array("NUMPY".utf8)), (1...3).contains(start[6]) else {
      throw PackError(.input, "\(path) is no .npy file")
    }
    let wide = start[6] > 1
    let head = wide ? 12 : 10
    guard start.count >= head else { throw PackError(.input, "\(path): the header is cut off") }
    var length = Int(start[8]) | Int(start[9]) << 8
    if wide { length |= Int(start[10]) << 16 | Int(start[11]) << 24 }
    guard length <= start.count - head else { throw PackError(.input, "\(path): the header is cut off") }
    let header = ArrayHeader(String(decoding: start[head..<head + length], as: UTF8.self))
    guard let kind = header.kind else {
      throw PackError(
        .input,
        "\(path): elements of type \(quoted(header.type)) cannot be packed; save them as little-endian "
          + ElementKind.allCases.map(\.rawValue).joined(separator: ", "))
    }
    guard let shape = header.shape, !shape.isEmpty, !shape.contains(0) else {
      throw PackError(.input, "\(path): an array must have at least one axis and one element")
    }
    if header.isFortranOrder, shape.count > 1 {
      throw PackError(.input, "\(path) is in Fortran order; save numpy.ascontiguousarray of it")
    }
    self.kind = kind
    self.shape = shape
    offset = head + length
    var bytes = kind.bytes
    for dimension in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw PackError(.input, "\(path): the shape is larger than memory can be") }
      bytes = product
    }
    guard size - offset == bytes else {
      throw PackError(.input, "\(path): \(size - offset) bytes of elements where the header promises \(bytes)")
    }
  }

  var bytes: Int { shape.reduce(kind.bytes, *) }
}

/// The dictionary in a `.npy` header: `{'descr': '<u2', 'fortran_order': False, 'shape': (3, 4), }`.
private struct ArrayHeader {
  let type: String
  let isFortranOrder: Bool
  let shape: [Int]?

  init(_ text: String) {
    let type = Self.value("descr", in: text).map { $0.dropFirst().prefix { $0 != "'" } } ?? ""
    self.type = String(type)
    isFortranOrder = Self.value("fortran_order", in: text)?.hasPrefix("True") ?? false
    let list = Self.value("shape", in: text).flatMap { $0.first == "(" ? $0.dropFirst().prefix { $0 != ")" } : nil }
    let numbers = list?.split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
    shape = numbers.flatMap { numbers in
      let parsed = numbers.compactMap { Int($0) }.filter { $0 >= 0 }
      return parsed.count == numbers.count ? parsed : nil
    }
  }

  /// The text from a key's value on.
  private static func value(_ key: String, in text: String) -> Substring? {
    guard let place = text.firstRange(of: "'\(key)':") else { return nil }
    return text[place.upperBound...].drop { $0 == " " }
  }

  var kind: ElementKind? {
    let name: String? =
      switch type {
      case "|u1", "<u1": "uint8"
      case "|i1", "<i1": "int8"
      case "<u2": "uint16"
      case "<i2": "int16"
      case "<f2": "float16"
      case "<u4": "uint32"
      case "<i4": "int32"
      case "<f4": "float32"
      case "<u8": "uint64"
      case "<i8": "int64"
      case "<f8": "float64"
      default: nil
      }
    return name.flatMap { ElementKind(rawValue: $0) }
  }
}
