/// Finds columns and encodings from the first rows of a JSONL input.
///
/// Text becomes `str`, whole numbers `int`, other numbers `float64`, lists, objects, booleans and mixtures `json`.
struct ColumnInference {
  private(set) var rows = 0
  private var names: [String] = []
  private var encodings: [String: String] = [:]

  mutating func see(_ row: [(key: String, value: JSONValue)]) {
    rows += 1
    for (name, value) in row {
      let encoding = Self.encoding(of: value)
      guard let known = encodings[name] else {
        names.append(name)
        encodings[name] = encoding
        continue
      }
      if known != encoding { encodings[name] = Self.both(known, encoding) }
    }
  }

  var columns: [PackColumn] {
    names.map { name in
      let encoding = encodings[name] ?? "json"
      return PackColumn(name, encoding, ColumnEncoding(encoding) ?? .json)
    }
  }

  private static func encoding(of value: JSONValue) -> String {
    switch value {
    case .text: "str"
    case .integer(let text): Int64(text) == nil ? "str_int" : "int"
    case .number: "float64"
    case .null, .bool, .list, .object: "json"
    }
  }

  private static func both(_ left: String, _ right: String) -> String {
    switch Set([left, right]) {
    case ["int", "str_int"]: "str_int"
    case ["int", "float64"]: "float64"
    default: "json"
    }
  }
}
