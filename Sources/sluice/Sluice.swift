import ArgumentParser
import LinuxSystem
import Transfer

/// `sluice`: looks at a daemon, steers it, and prepares and checks data.
@main
struct Sluice: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice", abstract: "Look at and steer a Sluice daemon; plan, pack and verify datasets.",
    version: "0.1.0",
    subcommands: [
      HealthCommand.self, StatusCommand.self, WhyCommand.self, CacheCommand.self, PrefetchCommand.self,
      ReloadCommand.self, PlanCommand.self, PackCommand.self, VerifyCommand.self,
    ])

  static func main() async {
    // A fetcher is this executable again: it reads orders from a socket, and no arguments beside this one.
    if CommandLine.arguments.dropFirst() == [FetcherProcess.argument] {
      ProcessSettings.exitNow(FetcherProcess.run())
    }
    await main(nil)
  }
}
