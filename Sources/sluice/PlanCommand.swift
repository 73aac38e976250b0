import ArgumentParser
import Codecs
import Planning

/// `sluice plan`: plans an epoch as a daemon would, without one, and says what came out.
struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Plan an epoch, or check plans against the reference's.",
    discussion: """
      Reads one case (a JSON object with streams, dataset, world, epoch), or a dataset of the daemon's configuration, \
      and prints what its plan looks like. With --check reads a case a line and compares each plan with the answer \
      that the case expects; the exit status is 1 if any differs.
      """)

  @Argument(help: ArgumentHelp("A file with one case.", valueName: "case.json"))
  var caseFile: String?

  @Option(help: ArgumentHelp("Compare every case of a file (one a line) with its answer.", valueName: "cases.jsonl"))
  var check: String?

  @OptionGroup(title: "A dataset of the daemon's configuration")
  var configured: PlanConfiguredOptions

  @Flag(help: "Print one JSON object.")
  var json = false

  @Option(help: ArgumentHelp("Write the tensor: little-endian int64 in C order, -1 for padding.", valueName: "file"))
  var output: String?

  @Option(help: "Threads that plan at once; the plan does not depend on it. All allowed processors if not given.")
  var threads: Int?

  func validate() throws {
    let sources = [caseFile != nil, check != nil, configured.config != nil]
    guard sources.filter({ $0 }).count == 1 else {
      throw ValidationError("Give one of: a case file, --check CASES.jsonl, or --config FILE with --dataset NAME.")
    }
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1, and is \(threads).") }
    if check != nil, output != nil || json {
      throw ValidationError("--check prints differences only; leave out --json and --output.")
    }
    try configured.checkCombination()
  }

  func run() async throws {
    let workers = threads ?? ProcessStatus.now().allowedProcessors
    if let check {
      try await PlanCheck(path: check, threads: workers).run()
      return
    }
    let problem: (id: String?, request: PlanRequest)
    if let caseFile {
      let read = try PlanCase(json: PlanFiles.read(caseFile))
      problem = (read.id, read.request)
    } else {
      problem = (nil, try await configured.request())
    }
    let report = try await PlanReport(problem.request, id: problem.id, threads: workers, output: output)
    print(json ? report.json : report.text)
    if report.isRefusal { throw ExitCode.failure }
  }
}

extension Codecs.IncrementalDigest: Planning.OrderDigest {}
