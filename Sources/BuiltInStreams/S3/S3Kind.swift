import LinuxSystem
import StreamRegistry
import Transfer

/// Kind `s3`: `s3://bucket/prefix`.
///
/// Keys under `with`: `region`, `endpoint` (https://host[:port]), `path_style`, `requester_pays`. Without `region`, the
/// environment (AWS_REGION, AWS_DEFAULT_REGION) and the profile name it, or us-east-1, corrected by what the store
/// answers. Without `endpoint`, S3_ENDPOINT_URL (the reference's), AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, or Amazon.
enum S3Kind {
  static func make(
    _ configuration: StreamConfiguration, transport: any Transport, spool: IndexSpool,
    environment: @escaping @Sendable (String) -> String? = EnvironmentVariable.value
  ) throws -> any StreamSource {
    var reader = configuration.withReader()
    let ranges = RangeAdvisor.read(&reader)
    let credentials = CredentialKeys(configuration, kind: .s3, environment: environment)
    var settings = bucket(configuration, scheme: "s3", &reader)
    settings.allowsPlainHTTP = configuration.allowHTTP
    let variables = ["S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
    let named = reader.text("endpoint")
    settings.endpoint = endpoint(named ?? variables.lazy.compactMap(environment).first, configuration, &reader)
    settings.pathStyle = reader.boolean("path_style") ?? (settings.endpoint != nil)
    settings.requesterPays = reader.boolean("requester_pays") ?? pays(settings.bucket, environment)
    settings.region =
      reader.text("region") ?? environment("AWS_REGION") ?? environment("AWS_DEFAULT_REGION")
      ?? AWSFiles(environment: environment).region(credentials.profile) ?? "us-east-1"
    let store = credentials.store()
    reader.absorb(credentials.problems)
    try reader.finish()
    return RemoteSource(
      service: S3Service(settings, scheme: "s3", store: store), transport: transport,
      subdirectories: configuration.subdirectories, limits: configuration.fetchLimits, ranges: ranges,
      spool: spool)
  }

  /// Bucket and prefix of `scheme://bucket/prefix`, the split included.
  static func bucket(
    _ configuration: StreamConfiguration, scheme: String, _ reader: inout ConfigurationReader
  ) -> S3Service.Settings {
    let text = configuration.withSplit(configuration.remote ?? "")
    let start = "\(scheme)://"
    guard text.lowercased().hasPrefix(start) else {
      reader.absorb([configuration.problem("remote", "must be \(start)bucket/prefix")])
      return S3Service.Settings(bucket: "", prefix: "")
    }
    let parts = text.dropFirst(start.count).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let bucket = String(parts.first ?? "")
    let isName =
      bucket.utf8.count >= 3 && bucket.utf8.count <= 222
      && bucket.utf8.allSatisfy {
        (0x61...0x7a).contains($0 | 0x20) || (0x30...0x39).contains($0) || [0x2d, 0x2e, 0x5f].contains($0)
      }
    if !isName {
      reader.absorb([configuration.problem("remote", "must be \(start)bucket/prefix; \"\(bucket)\" names no bucket")])
    }
    var prefix = parts.count > 1 ? parts[1] : ""
    while prefix.hasSuffix("/") { prefix = prefix.dropLast() }
    return S3Service.Settings(bucket: bucket, prefix: String(prefix))
  }

  static func endpoint(
    _ text: String?, _ configuration: StreamConfiguration, _ reader: inout ConfigurationReader
  ) -> RequestURL? {
    guard let text else { return nil }
    guard let url = RequestURL(text), ["https", "http"].contains(url.scheme), !url.host.isEmpty, url.query == nil else {
      reader.report("endpoint", "must be https://host or https://host:port")
      return nil
    }
    if url.scheme == "http", !url.isLoopback, !configuration.allowHTTP {
      reader.report("endpoint", "is plain http: use https, or set allow_http: true for this stream")
    }
    return url
  }

  /// The reference's list of buckets whose requester pays.
  private static func pays(_ bucket: String, _ environment: (String) -> String?) -> Bool {
    (environment("MOSAICML_STREAMING_AWS_REQUESTER_PAYS") ?? "").split(separator: ",").contains {
      String($0).filter { $0 != " " } == bucket
    }
  }
}
