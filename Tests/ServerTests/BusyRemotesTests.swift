import DatasetModel
import Testing

@testable import Server

/// When a remote that only asks for fewer requests is worth telling, and when that is over.
@Suite struct BusyRemotesTests {
  private let web = StreamName("web")
  private var busy = BusyRemotes()

  /// Looks with a patience of a minute, with `bytes` of the stream so far and, unless told, a download under way.
  private mutating func look(_ now: Double, bytes: Int = 0, isWanted: Bool = true) -> BusyRemotes.Finding? {
    busy.look(bytes: [web: bytes], wanted: isWanted ? [web] : [], patience: 60, now: now)[web]
  }

  @Test mutating func onlyALongSilenceIsTold() {
    busy.refused(web, "503", now: 100)
    var found = [look(101), look(159)]
    #expect(found == [nil, nil])
    busy.refused(web, "429", now: 159.5)
    found = [look(160), look(170)]
    let told: [BusyRemotes.Finding?] = [
      .silent(seconds: 60, answer: "429", isNew: true), .silent(seconds: 70, answer: "429", isNew: false),
    ]
    #expect(found == told, "from the first answer on, with the last, and new only once")
    #expect(busy.isTold(web))
  }

  @Test mutating func bytesEndItAndTheNextAnswerBeginsAnew() {
    busy.refused(web, "503", now: 0)
    var found = [look(30, bytes: 500), look(59, bytes: 500), look(60, bytes: 500), look(62, bytes: 501)]
    #expect(found[2] != nil)
    #expect(found[3] == .passed)
    busy.refused(web, "503", now: 63)
    found = [look(64, bytes: 501), look(122, bytes: 501)]
    #expect(found == [nil, nil])
    let passed = look(124, bytes: 600)
    #expect(passed == nil, "what was not told need not be taken back")
  }

  @Test mutating func aShardThatArrivesEndsItAtOnce() {
    busy.refused(web, "503", now: 0)
    var wasTold = busy.arrived(web)
    #expect(!wasTold)
    busy.refused(web, "503", now: 1)
    _ = look(61)
    wasTold = busy.arrived(web)
    #expect(wasTold)
    #expect(!busy.isTold(web))
  }

  @Test mutating func nobodyMindsWhatNobodyWants() {
    busy.refused(web, "503", now: 0)
    let found = [look(58), look(60, isWanted: false), look(118, isWanted: false), look(119, isWanted: false)]
    #expect(found[1] != nil, "between two attempts no download need be under way")
    #expect(found[3] == .passed)
    busy.refused(web, "503", now: 200)
    let later = [look(230, isWanted: false), look(261, isWanted: false)]
    #expect(later == [nil, nil])
    #expect(!busy.isTold(web))
  }

  @Test mutating func streamsAreToldApart() {
    let code = StreamName("code")
    busy.refused(web, "503", now: 0)
    busy.refused(code, "429", now: 50)
    let found = busy.look(bytes: [:], wanted: [web, code], patience: 60, now: 70)
    #expect(found == [web: .silent(seconds: 70, answer: "503", isNew: true)])
  }
}
