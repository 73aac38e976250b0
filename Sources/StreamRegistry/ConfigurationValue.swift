/// A piece of a configuration as it was written, with the line it stands on: what `with:` and `credentials:` of a
/// stream hand to its kind.
///
/// Two values are equal when they say the same, wherever they stand and in whatever order a map's keys are. Printing a
/// value never shows its content, which may be a secret; it shows the form and the line.
public struct ConfigurationValue: Sendable, Hashable {
  /// The forms a value can have.
  public enum Content: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([ConfigurationValue])
    case map(ConfigurationMap)
  }

  public let content: Content
  /// Line in the file, from 1; 0 when the value stands in none.
  public let line: Int
  /// A plain number, bool or null as it was spelled (`0660`), for keys that mean something else by it.
  public let spelling: String?

  public init(_ content: Content, line: Int = 0, spelling: String? = nil) {
    self.content = content
    self.line = line
    self.spelling = spelling
  }

  /// Nothing: an absent key's value.
  public static let null = ConfigurationValue(.null)

  public static func == (left: ConfigurationValue, right: ConfigurationValue) -> Bool { left.content == right.content }
  public func hash(into hasher: inout Hasher) { hasher.combine(content) }

  /// True for null, which everywhere means the same as leaving the key out.
  public var isNull: Bool { content == .null }

  /// The map, if it is one.
  public var map: ConfigurationMap? {
    if case .map(let map) = content { map } else { nil }
  }

  /// The items, if it is a list.
  public var list: [ConfigurationValue]? {
    if case .list(let items) = content { items } else { nil }
  }

  /// The text, if it is one.
  public var text: String? {
    if case .text(let text) = content { text } else { nil }
  }

  /// The form in a person's words: `a number`, `a list`.
  public var form: String {
    switch content {
    case .null: "nothing"
    case .bool: "true or false"
    case .integer: "a whole number"
    case .number: "a number"
    case .text: "text"
    case .list: "a list"
    case .map: "a map of keys"
    }
  }
}

extension ConfigurationValue: CustomStringConvertible, CustomReflectable {
  public var description: String { line > 0 ? "\(form) (line \(line))" : form }
  public var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }
}

/// Keys and values in the order in which they were written; no key stands twice.
public struct ConfigurationMap: Sendable, Hashable {
  /// One key with its value.
  public struct Entry: Sendable, Hashable {
    public let key: String
    public let value: ConfigurationValue
    /// Line of the key, from 1; 0 when it stands in no file.
    public let line: Int

    public init(key: String, value: ConfigurationValue, line: Int = 0) {
      self.key = key
      self.value = value
      self.line = line
    }

    public static func == (left: Entry, right: Entry) -> Bool { left.key == right.key && left.value == right.value }
    public func hash(into hasher: inout Hasher) {
      hasher.combine(key)
      hasher.combine(value)
    }
  }

  /// The entries as written.
  public let entries: [Entry]
  private let positions: [String: Int]

  /// Keeps the first of entries that share a key; parsers report such pairs before they come here.
  public init(_ entries: [Entry] = []) {
    var positions: [String: Int] = [:]
    var kept: [Entry] = []
    for entry in entries where positions[entry.key] == nil {
      positions[entry.key] = kept.count
      kept.append(entry)
    }
    self.entries = kept
    self.positions = positions
  }

  /// The entry of `key`.
  public func entry(_ key: String) -> Entry? { positions[key].map { entries[$0] } }

  /// The value of `key`; nil when it is absent.
  public subscript(key: String) -> ConfigurationValue? { entry(key)?.value }

  public static func == (left: ConfigurationMap, right: ConfigurationMap) -> Bool {
    left.entries.count == right.entries.count && left.entries.allSatisfy { right[$0.key] == $0.value }
  }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(entries.count)
    hasher.combine(entries.reduce(0) { $0 ^ $1.hashValue })
  }
}
