/// Runs jobs on up to `threads` threads and hands their results back in the order of the jobs.
///
/// `next` makes jobs one at a time on the calling task, so that what must be sequential (a random sequence) stays so
/// while earlier jobs run. At most `threads` jobs are under way or waiting for an earlier one, which bounds memory.
///
/// - Parameters:
///   - next: the next job, or nil after the last.
///   - run: does a job; must not depend on any other.
///   - take: receives each result, first job first.
func inOrder<Job: Sendable, Result: Sendable>(
  threads: Int, next: () -> Job?, run: @escaping @Sendable (Job) async -> Result, take: (Result) -> Void
) async {
  if threads <= 1 {
    while let job = next() { take(await run(job)) }
    return
  }
  await withTaskGroup(of: (Int, Result).self) { group in
    var waiting: [Int: Result] = [:]
    var started = 0
    var taken = 0
    func collect(_ index: Int, _ result: Result) {
      waiting[index] = result
      while let ready = waiting.removeValue(forKey: taken) {
        take(ready)
        taken += 1
      }
    }
    while let job = next() {
      while started - taken >= threads {
        guard let (index, result) = await group.next() else { break }
        collect(index, result)
      }
      let index = started
      group.addTask { (index, await run(job)) }
      started += 1
    }
    while let (index, result) = await group.next() { collect(index, result) }
  }
}
