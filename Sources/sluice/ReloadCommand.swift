import AdminDocuments
import ArgumentParser

/// `sluice reload`: has the daemon read its configuration again.
struct ReloadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reload", abstract: "Have the daemon read its configuration again; a bad file changes nothing.")

  @OptionGroup var daemon: DaemonOptions

  func run() async throws {
    let document: ReloadDocument
    do {
      document = try daemon.admin("reload", timeout: max(daemon.timeout, 60))
    } catch { throw CommandFailure(explain(error, socket: daemon.path)) }
    for problem in document.problems { print(problem) }
    for change in document.changes { print(change) }
    guard document.applied else { throw CommandFailure("the configuration in force stays as it was") }
    print(document.changes.isEmpty ? "nothing changed" : "in force")
  }
}

/// A failure that is one line for a person.
struct CommandFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
