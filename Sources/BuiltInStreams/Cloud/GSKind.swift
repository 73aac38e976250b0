import LinuxSystem
import StreamRegistry
import Transfer

/// Kind `gs`: `gs://bucket/prefix`, through Cloud Storage's XML API with HMAC keys, with a bearer token, or anonymously.
///
/// Key under `with`: `endpoint`, for emulators.
enum GSKind {
  static func make(
    _ configuration: StreamConfiguration, transport: any Transport, spool: IndexSpool,
    environment: @escaping @Sendable (String) -> String? = EnvironmentVariable.value
  ) throws -> any StreamSource {
    var reader = configuration.withReader()
    let ranges = RangeAdvisor.read(&reader)
    let credentials = CredentialKeys(configuration, kind: .gs, environment: environment)
    var settings = S3Kind.bucket(configuration, scheme: "gs", &reader)
    settings.endpoint =
      S3Kind.endpoint(reader.text("endpoint"), configuration, &reader)
      ?? RequestURL(scheme: "https", host: "storage.googleapis.com")
    settings.pathStyle = true
    settings.region = "auto"
    settings.allowsPlainHTTP = configuration.allowHTTP
    reader.absorb(credentials.problems)
    try reader.finish()
    return RemoteSource(
      service: S3Service(settings, scheme: "gs", store: credentials.store()), transport: transport,
      subdirectories: configuration.subdirectories, limits: configuration.fetchLimits, ranges: ranges,
      spool: spool)
  }
}
