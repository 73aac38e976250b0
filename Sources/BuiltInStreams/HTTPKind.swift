import StreamRegistry
import Transfer

/// Kinds `https` and `http`: files below a URL of a web server.
///
/// Keys under `with`: `headers`, a map of header names to values sent with every request to the stream's own host, and
/// (as for every remote kind) `parallel_ranges`.
enum HTTPKind {
  static func make(
    _ configuration: StreamConfiguration, transport: any Transport, spool: IndexSpool
  ) throws -> any StreamSource {
    var reader = configuration.withReader()
    let ranges = RangeAdvisor.read(&reader)
    let headers = headers(&reader)
    var problems: [ConfigurationProblem] = []
    let remote = configuration.remote ?? ""
    let url = RequestURL(remote)
    if configuration.remote == nil {
      problems.append(configuration.problem("", "needs a remote (https://host/path)"))
    } else if url.map({ !["https", "http"].contains($0.scheme) || $0.host.isEmpty }) ?? true {
      problems.append(
        configuration.problem(
          "remote", "must be https://host/path; user names and passwords belong under credentials or with.headers"))
    } else if let url, url.scheme == "http", !url.isLoopback, !configuration.allowHTTP {
      problems.append(
        configuration.problem("remote", "is plain http: use https, or set allow_http: true for this stream"))
    }
    reader.absorb(problems)
    try reader.finish()
    guard var url else { throw ConfigurationProblems(problems) }
    if let split = configuration.split { url = url.appending(split) }
    return try HTTPSource(
      root: url.text, transport: transport, headers: headers, subdirectories: configuration.subdirectories,
      allowsPlainHTTP: configuration.allowHTTP, limits: configuration.fetchLimits, ranges: ranges,
      spool: spool)
  }

  private static func headers(_ reader: inout ConfigurationReader) -> [HTTPField] {
    var fields: [HTTPField] = []
    guard let value = reader.value("headers") else { return [] }
    guard let map = value.map else {
      reader.report("headers", "must be a map of header names to values")
      return []
    }
    for entry in map.entries {
      guard let text = entry.value.text, isToken(entry.key), text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
        reader.report("headers", "\"\(entry.key)\" is no header, or its value is no text")
        continue
      }
      fields.append(HTTPField(entry.key, text, isSecret: true))
    }
    return fields
  }

  private static func isToken(_ name: String) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy {
        (0x61...0x7a).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x5f
      }
  }
}
