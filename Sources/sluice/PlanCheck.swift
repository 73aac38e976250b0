import ArgumentParser
import Codecs
import Planning

/// Plans every case of a file and compares it with the reference's answer.
struct PlanCheck {
  let path: String
  let threads: Int

  /// Prints a line per difference and the count of cases; throws exit status 1 if any differs.
  func run() async throws {
    var identical = 0
    var different = 0
    for (number, line) in try PlanFiles.read(path).split(separator: UInt8(ascii: "\n")).enumerated() {
      let differences = try await check(Array(line), number: number + 1)
      for difference in differences { print(difference) }
      if differences.isEmpty { identical += 1 } else { different += 1 }
    }
    print("\(identical) identical, \(different) different")
    if different > 0 { throw ExitCode.failure }
  }

  private func check(_ line: [UInt8], number: Int) async throws -> [String] {
    let problem: PlanCase
    do throws(PlanCaseError) {
      problem = try PlanCase(json: line)
    } catch {
      return ["line \(number): \(error)"]
    }
    let outcome: Result<EpochPlan, PlanningError>
    do throws(PlanningError) {
      outcome = .success(try await makePlan(problem.request, threads: threads))
    } catch {
      outcome = .failure(error)
    }
    return try CaseCheck.differences(problem, outcome) {
      $0.tensorDigest(try IncrementalDigest(.sha256)).hexadecimal
    }
  }
}
