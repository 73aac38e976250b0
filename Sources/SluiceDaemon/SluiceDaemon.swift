import ArgumentParser
import LinuxSystem
import Server
import StreamRegistry
import Transfer

/// The daemon as a program: what `sluiced` is, and what a daemon with stream kinds of its own is made from.
///
/// ```swift
/// import SluiceDaemon
///
/// await SluiceDaemon.run { registry in
///   try registry.register("my_stream") { configuration in try MyStream(configuration) }
/// }
/// ```
public enum SluiceDaemon {
  /// Runs the program to its end and ends the process with its status.
  ///
  /// - Parameter register: makes further stream kinds known, beside the built-in ones.
  public static func run(
    registering register: @escaping @Sendable (inout StreamRegistry) throws -> Void = { _ in }
  ) async -> Never {
    // A fetcher is this executable again: it reads orders from a socket, and no arguments beside this one.
    if CommandLine.arguments.dropFirst() == [FetcherProcess.argument] {
      ProcessSettings.exitNow(FetcherProcess.run())
    }
    do {
      let command = try DaemonCommand.parse()
      let status = try await DaemonProgram(command, register: register).run()
      ProcessSettings.exitFlushed(status)
    } catch {
      DaemonCommand.exit(withError: error)
    }
  }
}

/// The daemon's arguments.
struct DaemonCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluiced", abstract: "Serve training data to the processes of this machine.",
    discussion: "SIGTERM finishes the requests under way and stops; SIGHUP reads the configuration again.",
    version: DaemonVersion.text)

  @Option(help: "The configuration, a YAML file.")
  var config: String?

  @Option(help: "Check this configuration, say everything that is wrong with it, and end.")
  var checkConfig: String?

  @Flag(help: "With --check-config: load every stream's index as well.")
  var online = false

  func validate() throws {
    guard (config == nil) != (checkConfig == nil) else {
      throw ValidationError("give --config FILE to serve, or --check-config FILE to check")
    }
    if online, checkConfig == nil { throw ValidationError("--online goes with --check-config") }
  }
}
