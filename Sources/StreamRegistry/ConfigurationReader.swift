import DatasetModel

/// Reads the keys of a map and collects everything that is wrong with it, so that a person sees all of it at once.
///
/// ```swift
/// var reader = ConfigurationReader(configuration.with, path: "streams.pile.with")
/// let table = reader.requiredText("table", "the table to read")
/// let rows = reader.integer("rows_per_shard", in: 1...1_000_000, default: 10_000)
/// try reader.finish()
/// ```
///
/// A key that was never asked for is unknown, so read every key the map may have before `finish`. A null value is the
/// same as leaving the key out. Where a value does not serve, the default (or nothing) comes back, and the problem is
/// noted.
public struct ConfigurationReader: Sendable {
  /// The keys that lead here: `streams.pile.with`.
  public let path: String
  /// Line of the map, from 1; 0 when it stands in no file.
  public let line: Int
  /// What was found wrong so far.
  public private(set) var problems: [ConfigurationProblem] = []

  private let map: ConfigurationMap
  private let isSecret: Bool
  private var known: [String] = []

  /// - Parameters:
  ///   - value: a map, or null for an empty one; anything else is the first problem.
  ///   - path: the keys that lead to `value`.
  ///   - secret: true keeps the values out of every message.
  public init(_ value: ConfigurationValue, path: String, secret: Bool = false) {
    self.path = path
    self.line = value.line
    self.isSecret = secret
    switch value.content {
    case .map(let map): self.map = map
    case .null: self.map = ConfigurationMap()
    default:
      self.map = ConfigurationMap()
      problems.append(
        ConfigurationProblem(line: value.line, keyPath: path, message: "must be a map of keys, not \(value.form)"))
    }
  }

  // MARK: What there is

  /// All keys as written.
  public var keys: [String] { map.entries.map(\.key) }

  /// Whether `key` has a value other than null.
  public func has(_ key: String) -> Bool { map[key].map { !$0.isNull } ?? false }

  /// Line of `key`, or of the map when the key is absent.
  public func line(of key: String) -> Int { map.entry(key)?.line ?? line }

  /// The key with those it stands under.
  public func keyPath(_ key: String) -> String { path.isEmpty ? key : key.isEmpty ? path : "\(path).\(key)" }

  /// The raw value of `key`; nil when absent or null.
  public mutating func value(_ key: String) -> ConfigurationValue? {
    know(key)
    guard let value = map[key], !value.isNull else { return nil }
    return value
  }

  // MARK: What is wrong

  /// Notes that the value of `key` does not serve; `message` says what would be right.
  public mutating func report(_ key: String, _ message: String) {
    problems.append(ConfigurationProblem(line: line(of: key), keyPath: keyPath(key), message: message))
  }

  /// Adds problems that were found elsewhere.
  public mutating func absorb(_ others: [ConfigurationProblem]) { problems += others }

  /// Notes every key that nobody asked for, then throws if anything was wrong.
  public mutating func finish() throws(ConfigurationProblems) {
    reportUnknownKeys()
    if !problems.isEmpty { throw ConfigurationProblems(problems) }
  }

  /// Notes every key that nobody asked for.
  public mutating func reportUnknownKeys() {
    for entry in map.entries where !known.contains(entry.key) {
      let hint = NearestName.hint(entry.key, among: known)
      let rest = hint.isEmpty ? (known.isEmpty ? "; no keys are known here" : "; known are \(listed(known))") : hint
      problems.append(
        ConfigurationProblem(line: entry.line, keyPath: keyPath(entry.key), message: "unknown key\(rest)"))
    }
  }

  /// Notes that `value` is not `wanted`, showing it unless it may be a secret.
  mutating func mismatch(_ key: String, _ wanted: String, _ value: ConfigurationValue) {
    let shown = isSecret ? value.form : value.shown
    report(key, "must be \(wanted), not \(shown)")
  }

  private mutating func know(_ key: String) {
    if !known.contains(key) { known.append(key) }
  }

  private func listed(_ names: [String]) -> String { names.sorted().joined(separator: ", ") }
}

// MARK: Nested values

extension ConfigurationReader {
  /// Reads the map under `key` with a reader of its own, whose problems and unknown keys join these; nil when absent.
  public mutating func section<Result>(
    _ key: String, _ read: (inout ConfigurationReader) -> Result
  ) -> Result? {
    guard let value = value(key) else { return nil }
    return nested(value, keyPath(key), read)
  }

  /// Reads every map of the list under `key`; empty when absent.
  public mutating func sections<Result>(
    _ key: String, _ read: (inout ConfigurationReader) -> Result
  ) -> [Result] {
    guard let value = value(key) else { return [] }
    guard let items = value.list else {
      mismatch(key, "a list", value)
      return []
    }
    return items.enumerated().map { nested($1, "\(keyPath(key))[\($0)]", read) }
  }

  /// Reads every entry of the map under `key`, in order, with its name; empty when absent.
  public mutating func named<Result>(
    _ key: String, _ read: (String, inout ConfigurationReader) -> Result
  ) -> [Result] {
    guard let value = value(key) else { return [] }
    guard let map = value.map else {
      mismatch(key, "a map of names", value)
      return []
    }
    return map.entries.map { entry in
      nested(entry.value, "\(keyPath(key)).\(entry.key)", line: entry.line) { read(entry.key, &$0) }
    }
  }

  private mutating func nested<Result>(
    _ value: ConfigurationValue, _ path: String, line: Int? = nil, _ read: (inout ConfigurationReader) -> Result
  ) -> Result {
    let placed = ConfigurationValue(value.content, line: line ?? value.line, spelling: value.spelling)
    var reader = ConfigurationReader(placed, path: path, secret: isSecret)
    let wrongForm = !reader.problems.isEmpty
    let result = read(&reader)
    if wrongForm {
      // What a value that is no map lacks is not news.
      absorb(Array(reader.problems.prefix(1)))
    } else {
      reader.reportUnknownKeys()
      absorb(reader.problems)
    }
    return result
  }
}

extension ConfigurationValue {
  /// The value for a message, shortened; lists and maps by their form.
  var shown: String {
    switch content {
    case .bool(let value): spelling ?? "\(value)"
    case .integer(let value): spelling ?? "\(value)"
    case .number(let value): spelling ?? "\(value)"
    case .text(let text): text.count > 60 ? "\"\(text.prefix(60))…\"" : "\"\(text)\""
    default: form
    }
  }
}
