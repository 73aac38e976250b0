/// What each encoding demands of a value's bytes (formats.md §3).
enum ValueCheck {
  /// Why an MDS value cannot have been written by `encoding`, or nil.
  static func fault(of value: UnsafeRawBufferPointer, encoding: String) -> String? {
    switch encoding {
    case "bytes", "pkl": return nil
    case "str": return isUTF8(value) ? nil : "not valid UTF-8"
    case "str_int": return isInteger(value) ? nil : "not a whole number's digits"
    case "str_float": return isFloat(value) ? nil : "not a number"
    case "str_decimal": return isDecimal(value) ? nil : "not a decimal number"
    case "json": return isJSON(value) ? nil : "not valid JSON"
    case "jpeg": return value.starts(with: [0xff, 0xd8]) ? nil : "does not begin as a JPEG file does"
    case "png": return value.starts(with: pngSignature) ? nil : "does not begin as a PNG file does"
    case "pil": return faultOfImage(value)
    case "jpeg_array", "jpegarray": return faultOfList(value, reserved: 0, element: "jpeg", mayBeEmpty: false)
    case "list[pil]": return faultOfList(value, reserved: 4, element: "pil", mayBeEmpty: true)
    case "list[jpeg]": return faultOfList(value, reserved: 4, element: "jpeg", mayBeEmpty: true)
    case "list[png]": return faultOfList(value, reserved: 4, element: "png", mayBeEmpty: true)
    default: break
    }
    if let size = scalarSizes[encoding] {
      return value.count == size ? nil : "\(value.count) bytes where the encoding has \(size)"
    }
    if encoding == "ndarray" || encoding.hasPrefix("ndarray:") {
      return ArrayCheck.fault(of: value, encoding: encoding)
    }
    return nil
  }

  /// Why a field of a separated line does not read as its encoding, or nil.
  static func faultOfField(_ value: UnsafeRawBufferPointer, encoding: String) -> String? {
    switch encoding {
    case "int": isInteger(value) ? nil : "not a whole number's digits"
    case "float": isFloat(value) ? nil : "not a number"
    default: isUTF8(value) ? nil : "not valid UTF-8"
    }
  }

  private static let pngSignature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

  private static let scalarSizes = [
    "int": 8, "int8": 1, "int16": 2, "int32": 4, "int64": 8, "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8,
    "float16": 2, "float32": 4, "float64": 8,
  ]

  private static func isUTF8(_ value: UnsafeRawBufferPointer) -> Bool {
    String(validating: value, as: UTF8.self) != nil
  }

  private static func isInteger(_ value: UnsafeRawBufferPointer) -> Bool {
    let digits = value.first == UInt8(ascii: "-") ? value.dropFirst() : value[...]
    return !digits.isEmpty && digits.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
  }

  private static func isFloat(_ value: UnsafeRawBufferPointer) -> Bool {
    Double(String(decoding: value, as: UTF8.self)) != nil
  }

  private static func isDecimal(_ value: UnsafeRawBufferPointer) -> Bool {
    let text = String(decoding: value, as: UTF8.self)
    let names = ["NaN", "sNaN", "Infinity"]
    if names.contains(text) || names.contains(String(text.dropFirst())) && text.hasPrefix("-") { return true }
    return !text.isEmpty && Double(text) != nil && !text.lowercased().contains("n")
  }

  private static func isJSON(_ value: UnsafeRawBufferPointer) -> Bool {
    // The cursor wants a byte after a number.
    let line = Array(value) + [UInt8(ascii: "\n")]
    return line.withUnsafeBytes { bytes in
      var cursor = JSONCursor(bytes)
      do throws(JSONFault) { try cursor.skip(allowingNaN: true) } catch { return false }
      return !cursor.hasMore
    }
  }

  static func number(_ value: UnsafeRawBufferPointer, at position: Int) -> Int? {
    guard value.count - position >= 4 else { return nil }
    return Int(UInt32(littleEndian: value.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
  }

  /// u32 width, u32 height, u32 length of the mode's name, the name, the pixels.
  private static func faultOfImage(_ value: UnsafeRawBufferPointer) -> String? {
    guard let width = number(value, at: 0), let height = number(value, at: 4), let nameBytes = number(value, at: 8),
      nameBytes <= value.count - 12
    else { return "too short for an image's head" }
    let mode = String(decoding: value[12..<12 + nameBytes], as: UTF8.self)
    let pixelBytes = value.count - 12 - nameBytes
    let bytesPerPixel = [
      "L": 1, "P": 1, "LA": 2, "PA": 2, "La": 2, "I;16": 2, "I;16L": 2, "I;16B": 2, "RGB": 3, "YCbCr": 3, "LAB": 3,
      "HSV": 3, "RGBA": 4, "RGBX": 4, "RGBa": 4, "CMYK": 4, "I": 4, "F": 4,
    ]
    let rowBytes = mode == "1" ? (width + 7) / 8 : bytesPerPixel[mode].map { $0 * width }
    guard let rowBytes else { return nil }
    let (expected, overflow) = rowBytes.multipliedReportingOverflow(by: height)
    guard !overflow, expected == pixelBytes else {
      return "\(pixelBytes) bytes of pixels for \(width) × \(height) in mode \(quoted(mode))"
    }
    return nil
  }

  /// u32 count, u32 length of each element, the elements.
  private static func faultOfList(
    _ value: UnsafeRawBufferPointer, reserved: Int, element: String, mayBeEmpty: Bool
  ) -> String? {
    guard let count = number(value, at: reserved) else { return "too short for a list's head" }
    if count == 0, !mayBeEmpty { return "an empty list, which the reference cannot read" }
    let lengths = reserved + 4
    guard count <= (value.count - lengths) / 4 else { return "too short for the lengths of \(count) elements" }
    var position = lengths + 4 * count
    for index in 0..<count {
      guard let length = number(value, at: lengths + 4 * index), length <= value.count - position else {
        return "element \(index) runs past the value's end"
      }
      let part = UnsafeRawBufferPointer(rebasing: value[position..<position + length])
      if let reason = fault(of: part, encoding: element) { return "element \(index): \(reason)" }
      position += length
    }
    return position == value.count ? nil : "\(value.count - position) bytes follow the last element"
  }
}

/// Checks the stored form of arrays (formats.md §4).
enum ArrayCheck {
  private static let codes: [UInt8: Int] = [8: 1, 9: 1, 16: 2, 17: 2, 18: 2, 32: 4, 33: 4, 34: 4, 64: 8, 65: 8, 66: 8]
  private static let sizes = [
    "uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "float16": 2, "uint32": 4, "int32": 4, "float32": 4, "uint64": 8,
    "int64": 8, "float64": 8,
  ]

  static func fault(of value: UnsafeRawBufferPointer, encoding: String) -> String? {
    let parts = encoding.split(separator: ":", omittingEmptySubsequences: false)
    var position = 0
    let itemBytes: Int
    if parts.count >= 2 {
      guard let size = sizes[String(parts[1])] else { return "the encoding names no element type" }
      itemBytes = size
    } else {
      guard let code = value.first, let size = codes[code] else { return "it begins with no element type" }
      itemBytes = size
      position = 1
    }
    var elements = 1
    if parts.count >= 3 {
      for text in parts[2].split(separator: ",", omittingEmptySubsequences: false) {
        guard let dimension = Int(text), dimension >= 1 else { return "the encoding names no shape" }
        let (product, overflow) = elements.multipliedReportingOverflow(by: dimension)
        if overflow { return "the encoding's shape is too large" }
        elements = product
      }
    } else {
      guard position < value.count else { return "too short for a shape" }
      let axes = Int(value[position] >> 2)
      let width = 1 << Int(value[position] & 3)
      position += 1
      guard axes > 0 else { return "an array has at least one axis" }
      guard axes * width <= value.count - position else { return "too short for a shape of \(axes) axes" }
      for _ in 0..<axes {
        var dimension: UInt64 = 0
        for byte in 0..<width { dimension |= UInt64(value[position + byte]) << UInt64(8 * byte) }
        position += width
        let (product, overflow) = elements.multipliedReportingOverflow(by: Int(clamping: dimension))
        if overflow || product == 0 { return "a shape that no array has" }
        elements = product
      }
    }
    let (bytes, overflow) = elements.multipliedReportingOverflow(by: itemBytes)
    guard !overflow, bytes == value.count - position else {
      return "\(value.count - position) bytes of elements for a shape of \(elements)"
    }
    return nil
  }
}
