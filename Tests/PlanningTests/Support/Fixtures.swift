import Planning
import Testing

#if canImport(Glibc)
import Glibc  // fopen: these tests do without Foundation, as Planning does
#endif

/// The planning fixtures, found beside the sources.
enum Fixtures {
  static func read(_ name: String) throws -> [UInt8] {
    let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let path = "/\(tests)/Fixtures/planning/\(name)"
    let stream = try #require(fopen(path, "r"), "cannot open \(path)")
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&buffer, 1, buffer.count, stream)
      if count == 0 { break }
      bytes.append(contentsOf: buffer[..<count])
    }
    return bytes
  }

  static func goldenCases() throws -> [PlanCase] {
    try read("epoch_plans.jsonl").split(separator: 0x0a).map { try PlanCase(json: Array($0)) }
  }
}

/// A request's outcome as a value.
func outcome(_ request: PlanRequest, threads: Int = 1) async -> Result<EpochPlan, PlanningError> {
  do throws(PlanningError) { return .success(try await makePlan(request, threads: threads)) } catch {
    return .failure(error)
  }
}
