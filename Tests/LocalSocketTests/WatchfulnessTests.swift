import Testing

@testable import LocalSocket

struct WatchfulnessTests {
  @Test("a client that comes back at once is looked for; one that takes its time is not, at latest after some requests")
  func adaptation() {
    var watchfulness = Watchfulness()
    #expect(watchfulness.patience == 0, "a client nothing is known of costs no looks")
    for _ in 0..<12 { watchfulness.came(after: 30e-6) }
    #expect(watchfulness.patience == Watchfulness.longest)
    // After one pause, however long, it is not looked for; it is soon made good for.
    watchfulness.came(after: 3600)
    #expect(watchfulness.patience == 0)
    for _ in 0..<12 { watchfulness.came(after: 30e-6) }
    #expect(watchfulness.patience == Watchfulness.longest)
  }

  @Test("a client that is a little too slow to be worth it is looked for one time in three at most")
  func inVain() {
    var watchfulness = Watchfulness()
    var looks = 0
    for _ in 0..<1000 {
      if watchfulness.patience > 0 { looks += 1 }
      watchfulness.came(after: 100e-6)
    }
    #expect(looks > 0 && looks <= 1000 / 3 + 4)
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
