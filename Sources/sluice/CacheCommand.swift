import AdminDocuments
import ArgumentParser
import DatasetModel
import LinuxSystem

/// `sluice cache`: what the cache holds; evict, pin and unpin.
struct CacheCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache", abstract: "Show what the cache holds, or change it.",
    subcommands: [Show.self, Evict.self, Pin.self, Unpin.self], defaultSubcommand: Show.self)

  /// `sluice cache show`
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Usage by stream, and what would leave next.")
    @OptionGroup var daemon: DaemonOptions
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
      let status: CacheStatus
      do { status = try daemon.admin("cache") } catch { throw CommandFailure(explain(error, socket: daemon.path)) }
      print(json ? try DaemonOptions.encode(status) : CacheScreen(status).screen.text())
    }
  }

  /// The stream and shard that a change is about.
  struct Target: ParsableArguments {
    @Argument(help: "The stream.")
    var stream: String
    @Argument(help: "Basename of one shard; all of the stream's without it.")
    var shard: String?
  }

  private static func change(_ verb: String, _ target: Target, _ daemon: DaemonOptions) throws {
    let document: ShardChangeDocument
    do {
      document = try daemon.admin(verb, ShardArgument(stream: target.stream, shard: target.shard))
    } catch { throw CommandFailure(explain(error, socket: daemon.path)) }
    print("\(document.shards) shards, \(ByteCount.describe(document.bytes))")
    for skipped in document.skipped { print("left as it was: \(skipped)") }
  }

  /// `sluice cache evict`
  struct Evict: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take shards out of the cache.")
    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var target: Target
    func run() async throws { try CacheCommand.change("evict", target, daemon) }
  }

  /// `sluice cache pin`
  struct Pin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Keep shards in the cache whatever is needed.")
    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var target: Target
    func run() async throws { try CacheCommand.change("pin", target, daemon) }
  }

  /// `sluice cache unpin`
  struct Unpin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Let pinned shards be evicted again.")
    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var target: Target
    func run() async throws { try CacheCommand.change("unpin", target, daemon) }
  }
}

/// The cache's status as lines for a person.
struct CacheScreen {
  private let cache: CacheStatus

  init(_ cache: CacheStatus) { self.cache = cache }

  /// How full it is.
  var share: String {
    guard let limit = cache.limit else { return "\(ByteCount.describe(cache.used)) used, as much as the disk has" }
    return "\(ByteCount.describe(cache.used)) of \(ByteCount.describe(limit)) used"
      + (limit > 0 ? ", \(100 * cache.used / limit) %" : "")
  }

  /// The part that `sluice status` shows too.
  var summary: [String] {
    let asked = cache.hits + cache.misses + cache.joins
    let rate = asked == 0 ? "nothing asked yet" : "\(100 * cache.hits / asked) % of wanted shards were there"
    let counted = [
      ("reserved for downloads", cache.reserved), ("in use by requests", cache.leased),
      ("fetched ahead", cache.fetchedAhead), ("may be evicted", cache.evictable),
      ("evicted, held open by clients", cache.unlinking), ("in quarantine", cache.quarantined),
    ].filter { $0.1 > 0 }.map { "\(ByteCount.describe($0.1)) \($0.0)" }
    return [
      "\(cache.directory): \(Words.count(cache.shards, "shard")), \(rate), \(Words.number(cache.evictions)) evicted, "
        + "\(ByteCount.describe(cache.freeOnDisk)) more would fit the disk"
    ] + (counted.isEmpty ? [] : [counted.joined(separator: ", ")]) + notes
  }

  private var notes: [String] {
    var notes: [String] = []
    if !cache.kept.isEmpty {
      let kept = cache.kept.map { "\($0.what) \(ByteCount.describe($0.bytes)) of \(ByteCount.describe($0.limit))" }
      notes.append("beside the shards, with bounds of their own: \(kept.joined(separator: ", "))")
    }
    if cache.waiting > 0 || cache.tightWaits > 0 {
      notes.append("the limit is tight: \(cache.waiting) requests wait for room, \(cache.tightWaits) had to so far")
    }
    return notes
  }

  var screen: Screen {
    var screen = Screen()
    screen.add("CACHE  \(share)", .title)
    screen.add(summary.map { "  \($0)" })
    var table = TextTable(
      ["stream", "bytes", "limit", "shards", "pinned"], rightAligned: [1, 2, 3, 4], columns: screen.terminal?.columns)
    for stream in cache.streams {
      table.add([
        stream.stream, ByteCount.describe(stream.bytes), stream.limit.map { ByteCount.describe($0) } ?? "-",
        Words.number(stream.shards), Words.number(stream.pinned),
      ])
    }
    if !table.isEmpty {
      screen.add("")
      screen.add(table.lines.map { "  \($0)" })
    }
    if !cache.nextEvictions.isEmpty {
      screen.add("")
      screen.add("NEXT TO LEAVE, when room is needed", .title)
      screen.add(cache.nextEvictions.map { "  \($0)" })
    }
    return screen
  }
}
