import DatasetModel

/// Which ranks' order a plan keeps.
public enum PlanPart: Hashable, Sendable {
  /// Every rank's.
  case whole
  /// Only what the ranks of one node of the real world are served.
  case node(Int)
}

/// Plans an epoch: the reference's order, bit for bit.
///
/// A pure function: equal requests make equal plans, whatever the number of threads. Child tasks inherit the calling
/// task's executor, so a server plans on threads of its own under `withTaskExecutorPreference`.
///
/// - Parameters:
///   - request: streams, options, world, epoch and where to continue it.
///   - part: which ranks' order to keep.
///   - threads: tasks that may compute at once.
/// - Throws: `PlanningError` for whatever the reference refuses, and beyond `PlanningLimits`.
public func makePlan(
  _ request: PlanRequest, keeping part: PlanPart = .whole, threads: Int = 1
) async throws(PlanningError) -> EpochPlan {
  try await makePlan(EpochSetup(request), keeping: part, threads: threads)
}

/// Plans an epoch from a request that was already checked and completed.
public func makePlan(
  _ setup: EpochSetup, keeping part: PlanPart = .whole, threads: Int = 1
) async throws(PlanningError) -> EpochPlan {
  let ranks: Range<Int>
  switch part {
  case .whole: ranks = 0..<setup.world.ranks
  case .node(let node):
    guard node >= 0, node < setup.world.real.nodes else {
      throw .invalid(option: "node", value: "\(node)", allowed: "0 to \(setup.world.real.nodes - 1)")
    }
    ranks = setup.world.planningRanks(ofNode: node)
  }
  let work = PlanningWork(setup, ranks: ranks, threads: threads)
  // The greatest 4-byte number marks vacant places.
  if setup.totalSamples < UInt32.max {
    let lists = try await setup.batching.batches(work, as: UInt32.self)
    return EpochPlan(
      summary: PlanSummary(setup, batches: lists.batches, warnings: lists.warnings), storage: .narrow(lists))
  }
  let lists = try await setup.batching.batches(work, as: UInt64.self)
  return EpochPlan(
    summary: PlanSummary(setup, batches: lists.batches, warnings: lists.warnings), storage: .wide(lists))
}
