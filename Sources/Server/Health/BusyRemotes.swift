import DatasetModel

/// Which streams' remotes answer only that they want fewer requests, and for how long. A value; times are seconds of one
/// clock.
///
/// A remote that says so now and then is being used well. One from which nothing else comes, while downloads wait for it,
/// is as good as down, only that no download fails for a long time.
struct BusyRemotes: Sendable {
  /// From the first such answer after the last byte on.
  private struct Spell {
    let since: Double
    /// When a download of the stream was last under way, or one was refused.
    var wantedAt: Double
    /// What the remote answered last.
    var answer: String
    /// Bytes that had come of the stream when somebody last looked; nil before the first look.
    var bytes: Int?
    var isTold = false
  }

  /// What health is to be told of a stream.
  enum Finding: Equatable {
    /// Nothing comes, for so many seconds now; `isNew` the first time.
    case silent(seconds: Int, answer: String, isNew: Bool)
    /// It was told, and has passed.
    case passed
  }

  private var spells: [StreamName: Spell] = [:]

  /// A stream's remote asked for fewer requests.
  mutating func refused(_ stream: StreamName, _ answer: String, now: Double) {
    spells[stream, default: Spell(since: now, wantedAt: now, answer: answer)].answer = answer
    spells[stream]?.wantedAt = now
  }

  /// Something of a stream has come; true when its silence had been told.
  mutating func arrived(_ stream: StreamName) -> Bool { spells.removeValue(forKey: stream)?.isTold ?? false }

  /// Whether the silence of a stream's remote is told.
  func isTold(_ stream: StreamName) -> Bool { spells[stream]?.isTold ?? false }

  /// To be asked every few seconds.
  ///
  /// - Parameters:
  ///   - bytes: that came of each stream since the daemon's start.
  ///   - wanted: the streams of which downloads are under way.
  ///   - patience: seconds without a byte after which it is told; as long without a download after which nobody minds.
  mutating func look(
    bytes: [StreamName: Int], wanted: Set<StreamName>, patience: Double, now: Double
  ) -> [StreamName: Finding] {
    var findings: [StreamName: Finding] = [:]
    for (stream, known) in spells {
      var spell = known
      let before = spell.bytes
      let came = bytes[stream] ?? 0
      spell.bytes = came
      if wanted.contains(stream) { spell.wantedAt = now }
      if came > before ?? came || now - spell.wantedAt > patience {
        spells[stream] = nil
        if spell.isTold { findings[stream] = .passed }
        continue
      }
      if now - spell.since >= patience {
        findings[stream] = .silent(seconds: Int(now - spell.since), answer: spell.answer, isNew: !spell.isTold)
        spell.isTold = true
      }
      spells[stream] = spell
    }
    return findings
  }
}
