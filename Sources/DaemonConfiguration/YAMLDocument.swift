import StreamRegistry
import Yams

/// A YAML file as configuration values with their lines. For files of the operator's; what clients send is JSON.
enum YAMLDocument {
  /// Most values in a file once anchors are put in their places: a bound on files that multiply themselves.
  static let maximumValues = 1_000_000

  /// The file's one document; null when it is empty.
  static func parse(_ text: String) throws(ConfigurationProblems) -> ConfigurationValue {
    let root: Node?
    do {
      root = try Parser(yaml: text).singleRoot()
    } catch {
      throw ConfigurationProblems([problem(error, in: text)])
    }
    guard let root else { return .null }
    var conversion = Conversion()
    let value = conversion.value(of: root, path: "")
    if !conversion.problems.isEmpty { throw ConfigurationProblems(conversion.problems) }
    return value
  }

  private static func problem(_ error: any Error, in text: String) -> ConfigurationProblem {
    guard let error = error as? YamlError else {
      return ConfigurationProblem(line: 0, keyPath: "", message: "is not YAML: \(error)")
    }
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let place = context.map { "\($0.text) (line \($0.mark.line)), " } ?? ""
      return ConfigurationProblem(
        line: mark.line, keyPath: "", message: "is not YAML at column \(mark.column): \(place)\(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      return ConfigurationProblem(
        line: context.mark.line, keyPath: "",
        message:
          "the key \(keys.map { "\"\($0)\"" }.joined(separator: ", ")) stands twice in one map; the first is here")
    case .reader(let problem, let offset, _, _):
      let line = 1 + text.prefix(offset ?? 0).count { $0.isNewline }
      return ConfigurationProblem(line: line, keyPath: "", message: "is not YAML text in UTF-8: \(problem)")
    default:
      return ConfigurationProblem(line: 0, keyPath: "", message: "is not YAML: \(error)")
    }
  }

  /// Nodes into values, with every problem on the way.
  private struct Conversion {
    var problems: [ConfigurationProblem] = []
    var values = 0

    mutating func value(of node: Node, path: String) -> ConfigurationValue {
      let line = node.mark?.line ?? 0
      values += 1
      guard values <= maximumValues else {
        if values == maximumValues + 1 {
          report(line, path, "the file has more than \(maximumValues) values, its anchors put in place")
        }
        return ConfigurationValue(.null, line: line)
      }
      switch node {
      case .scalar(let scalar): return value(of: scalar, line: line, path: path)
      case .sequence(let sequence):
        let items = sequence.enumerated().map { value(of: $1, path: "\(path)[\($0)]") }
        return ConfigurationValue(.list(items), line: line)
      case .mapping(let mapping): return ConfigurationValue(.map(map(of: mapping, path: path)), line: line)
      case .alias:
        report(line, path, "an alias that leads nowhere")
        return ConfigurationValue(.null, line: line)
      }
    }

    private mutating func value(of scalar: Node.Scalar, line: Int, path: String) -> ConfigurationValue {
      let tag = scalar.tag.description
      if tag == Tag.Name.implicit.rawValue, scalar.style == .plain || scalar.style == .any {
        let content = PlainScalar.content(scalar.string)
        if case .text = content { return ConfigurationValue(content, line: line) }
        return ConfigurationValue(content, line: line, spelling: scalar.string)
      }
      if tag != Tag.Name.implicit.rawValue, tag != Tag.Name.str.rawValue, tag != Tag.Name.nonSpecific.rawValue {
        report(line, path, "the tag \(tag) is not understood here; write the plain value, or text in quotes")
      }
      return ConfigurationValue(.text(scalar.string), line: line)
    }

    private mutating func map(of mapping: Node.Mapping, path: String) -> ConfigurationMap {
      var entries: [ConfigurationMap.Entry] = []
      var merged: [ConfigurationMap.Entry] = []
      for (key, node) in mapping {
        let line = key.mark?.line ?? 0
        guard let name = key.scalar?.string else {
          report(line, path, "a key must be text, not a list or a map")
          continue
        }
        let inner = value(of: node, path: path.isEmpty ? name : "\(path).\(name)")
        if name == "<<", key.scalar?.style == .plain {
          merged += merge(inner, line: line, path: path)
        } else {
          entries.append(ConfigurationMap.Entry(key: name, value: inner, line: line))
        }
      }
      // The map's own keys win, then those of the maps merged first.
      return ConfigurationMap(entries + merged)
    }

    private mutating func merge(_ value: ConfigurationValue, line: Int, path: String) -> [ConfigurationMap.Entry] {
      var entries: [ConfigurationMap.Entry] = []
      for part in value.list ?? [value] {
        if let map = part.map {
          entries += map.entries
        } else {
          report(line, path, "<< merges maps (<<: *defaults), not \(part.form)")
        }
      }
      return entries
    }

    private mutating func report(_ line: Int, _ path: String, _ message: String) {
      problems.append(ConfigurationProblem(line: line, keyPath: path, message: message))
    }
  }
}
