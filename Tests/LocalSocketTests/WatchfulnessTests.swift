import Testing

@testable import LocalSocket

struct WatchfulnessTests {
  @Test("a client that comes back at once is looked for; one that takes its time is not, at latest after some requests")
  func adaptation() {
    var watchfulness = Watchfulness()
    #expect(watchfulness.patience == 0, "a client nothing is known of costs no looks")
    for _ in 0..<12 { watchfulness.came(after: 60e-6) }
    #expect(watchfulness.patience == Watchfulness.longest)
    // One pause, however long, is soon made good for.
    watchfulness.came(after: 3600)
    for _ in 0..<4 { watchfulness.came(after: 60e-6) }
    #expect(watchfulness.patience == Watchfulness.longest)
    for _ in 0..<4 { watchfulness.came(after: 0.01) }
    #expect(watchfulness.patience == 0)
  }

  @Test("no more than the places may look at the same time")
  func places() {
    let places = WatchPlaces(count: 2)
    let entered = (0..<4).map { _ in places.enter() }
    #expect(entered == [true, true, false, false])
    places.leave()
    let again = places.enter()
    let excess = places.enter()
    #expect(again && !excess)
  }
}
