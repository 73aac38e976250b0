import Testing

@testable import Transfer

struct RetryStateTests {
  @Test func delaysDoubleAndEnd() {
    var state = RetryState(RetryPolicy(attempts: 5))
    for seconds in [1.0, 2, 4, 8] {
      same(state.failed(.transient, random: 0), .again(afterSeconds: seconds, keepsBytes: true))
    }
    same(state.failed(.transient, random: 0), .giveUp)
    #expect(state.attempts == 5)
  }

  @Test func theReferencesDefaultIsOneRetry() {
    var state = RetryState(RetryPolicy())
    same(state.failed(.transient, random: 0.5), .again(afterSeconds: 1.25, keepsBytes: true))
    same(state.failed(.transient, random: 0.5), .giveUp)
  }

  @Test func delaysAreCappedAndHonourTheRemote() {
    var state = RetryState(RetryPolicy(attempts: 100))
    for _ in 0..<20 { _ = state.failed(.transient, random: 0) }
    same(state.failed(.transient, random: 0), .again(afterSeconds: 60, keepsBytes: true))
    same(state.failed(.transient, retryAfter: 100, random: 0), .again(afterSeconds: 100, keepsBytes: true))
  }

  @Test func permanentFailuresEndAtOnce() {
    var state = RetryState(RetryPolicy(attempts: 9))
    same(state.failed(.permanent, random: 0), .giveUp)
  }

  @Test func aRestartIsFreeOnce() {
    var state = RetryState(RetryPolicy(attempts: 2))
    _ = state.failed(.transient, random: 0)
    same(state.failed(.restart, random: 0), .again(afterSeconds: 0, keepsBytes: false))
    same(state.failed(.restart, random: 0), .giveUp)
  }

  @Test func corruptFilesAreThrownAway() {
    var state = RetryState(RetryPolicy(attempts: 2))
    same(state.failed(.corrupt, random: 0), .again(afterSeconds: 1, keepsBytes: false))
    same(state.failed(.corrupt, random: 0), .giveUp)
  }

  @Test func busyRemotesGetTheirOwnPatience() {
    var state = RetryState(RetryPolicy(attempts: 2))
    for _ in 0..<10 {
      guard case .again = state.failed(.throttled, random: 0) else {
        Issue.record("gave up")
        return
      }
    }
    same(state.failed(.transient, random: 0), .again(afterSeconds: 1, keepsBytes: true))
    same(state.failed(.throttled, random: 0), .giveUp)
  }
}
