import StreamRegistry

/// Kind `local`: a directory of this machine, as `local:` alone or as a remote without a scheme.
///
/// Its key under `with` is `copy` (default false): copy the files into the cache instead of reading them in place, for
/// directories on a slow network file system.
enum LocalKind {
  static func make(_ configuration: StreamConfiguration) throws -> any StreamSource {
    var reader = configuration.withReader()
    let copy = reader.boolean("copy", default: false)
    var problems: [ConfigurationProblem] = []
    let root = configuration.remote ?? configuration.local
    if root == nil {
      problems.append(configuration.problem("", "needs a directory: local, or a remote that is a path"))
    }
    if let root, !root.hasPrefix("/") {
      problems.append(
        configuration.problem(
          configuration.remote == nil ? "local" : "remote", "must be an absolute path, not \"\(root)\""))
    }
    if !configuration.credentials.isNull {
      problems.append(configuration.problem("credentials", "a directory needs none"))
    }
    reader.absorb(problems)
    try reader.finish()
    return LocalSource(
      directory: configuration.withSplit(root ?? "/"), isReadInPlace: !copy,
      subdirectories: configuration.subdirectories)
  }
}
