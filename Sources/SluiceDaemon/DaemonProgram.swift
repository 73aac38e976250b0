import BuiltInStreams
import DaemonConfiguration
import ExecStreams
import LinuxSystem
import LogOutput
import Logging
import Server
import StreamRegistry
import SyntheticStreams
import SystemPackage
import Transfer

/// What the process does once its arguments are read.
struct DaemonProgram {
  /// sysexits.h: the configuration is wrong.
  static let configurationStatus: Int32 = 78

  private let command: DaemonCommand
  private let register: @Sendable (inout StreamRegistry) throws -> Void

  init(_ command: DaemonCommand, register: @escaping @Sendable (inout StreamRegistry) throws -> Void) {
    self.command = command
    self.register = register
  }

  /// Runs to the end; the value is the process's exit status.
  func run() async throws -> Int32 {
    let file = command.config ?? command.checkConfig ?? ""
    // The transport is wanted by the kinds before the configuration that sizes it is read.
    let transport = LateTransport()
    let spool = IndexSpool()
    let commandLog = CommandLog()
    let registry: StreamRegistry
    let configuration: Configuration
    do {
      registry = try makeRegistry(transport, spool, commandLog)
      configuration = try Configuration.load(path: file, registry: registry)
    } catch {
      StandardError.write(line: "\(error)")
      return Self.configurationStatus
    }
    let (logger, log) = LogSetup.logger(configuration.log)
    commandLog.set(logger)
    let sizes = FetcherPool.Configuration(
      fetchers: configuration.transfer.fetchers ?? 0, connectionsPerHost: configuration.transfer.connectionsPerHost)
    let fetchers = FetcherPool(configuration: sizes) { event in
      logger.debug("fetcher", metadata: ["event": "\(event)"])
    }
    transport.set(fetchers)
    spool.use(Daemon.indexDirectory(configuration), reserve: configuration.cache.reserve)
    if command.checkConfig != nil {
      return await ConfigurationCheck(configuration, registry: registry, file: file).run(online: command.online)
    }
    let options = Daemon.Options(
      configuration: configuration, configurationFile: file, registry: registry, fetchers: fetchers,
      setLogLevel: { log.level = LogSetup.level($0) })
    defer { log.tellHeldBack() }
    return await serve(options, logger)
  }

  private func serve(_ options: Daemon.Options, _ logger: Logger) async -> Int32 {
    do {
      var options = options
      options.notifier = try ServiceNotifier.fromEnvironment()
      options.activated = try ActivatedSocket.takeAll()
      let daemon = try await Daemon(options, logger: logger)
      try await daemon.run()
      return 0
    } catch {
      logger.critical("sluiced cannot go on", metadata: ["error": "\(error)"])
      return 1
    }
  }

  private func makeRegistry(
    _ transport: LateTransport, _ spool: IndexSpool, _ commandLog: CommandLog
  ) throws -> StreamRegistry {
    var registry = StreamRegistry()
    try BuiltInKinds.register(in: &registry, transport: transport, spool: spool)
    try SyntheticStream.register(in: &registry)
    try ExecStream.register(in: &registry, log: commandLog.write)
    try register(&registry)
    return registry
  }
}
