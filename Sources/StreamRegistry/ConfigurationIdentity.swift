extension ConfigurationValue {
  /// The content as one text, the same for equal values wherever they stand: map keys sorted, texts with their length.
  ///
  /// For digests and keys of tables: holds secrets if the value does, so never for logs.
  public var canonicalText: String {
    switch content {
    case .null: "~"
    case .bool(let flag): "\(flag)"
    case .integer(let number): "i\(number)"
    case .number(let number): "n\(number)"
    case .text(let text): "t\(text.utf8.count):\(text)"
    case .list(let items): "[" + items.map(\.canonicalText).joined(separator: ",") + "]"
    case .map(let map):
      "{"
        + map.entries.sorted { $0.key < $1.key }
        .map { "\($0.key.utf8.count):\($0.key)=\($0.value.canonicalText)" }.joined(separator: ",") + "}"
    }
  }
}

extension StreamConfiguration {
  /// What decides which bytes the stream has, as one text: equal for configurations that name the same data, wherever
  /// they stand. Credentials, retries and limits are no part of it.
  ///
  /// For digests and keys of tables; `with` may hold secrets, so never for logs.
  public var identityText: String {
    let root = remote.map { "r\($0.utf8.count):\($0)" } ?? local.map { "l\($0.utf8.count):\($0)" } ?? "n\(name)"
    let directories: String =
      switch subdirectories {
      case .none: "-"
      case .discover: "*"
      case .list(let paths): paths.map { "\($0.utf8.count):\($0)" }.joined(separator: ",")
      }
    return "\(kind)\n\(root)\n\(split ?? "")\n\(directories)\n\(with.canonicalText)"
  }
}
