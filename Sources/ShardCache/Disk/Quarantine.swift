import DatasetModel
import LinuxSystem

extension CacheFiles {
  /// Moves Sluice's files of a committed copy into quarantine, with the reason beside them. The record goes last, so that
  /// an interruption leaves a copy that is doubtful again. What else lies in the directory stays where it is.
  func quarantine(_ place: CopyPlace, as name: String, reason: String) throws(SystemError) {
    let stream = try layout.shards.directory(place.stream)
    let source: Directory
    do throws(SystemError) {
      source = try stream.directory(place.name)
    } catch {
      guard error.isMissing else { throw error }
      return
    }
    let target = try layout.quarantine.makeDirectory(name, orOpen: true)
    let note = try target.openOrCreate(CacheLayout.reason)
    try note.write(Array("\(reason)\n".utf8), at: 0)
    try note.sync()
    let entries = try source.entries().filter { CacheLayout.ownNames.contains($0.name) && $0.kind == .file }
    let ordered = entries.filter { $0.name != CacheLayout.record } + entries.filter { $0.name == CacheLayout.record }
    for entry in ordered {
      do throws(SystemError) {
        try source.move(entry.name, to: target, as: entry.name)
      } catch {
        guard error.isExisting else { throw error }
        try source.move(entry.name, to: target, as: "\(entry.name).again")
      }
    }
    do throws(SystemError) { try stream.removeDirectory(place.name) } catch {
      guard error.isNotEmpty else { throw error }
    }
    try target.sync()
    try layout.quarantine.sync()
    try stream.sync()
  }

  /// Writes what operators want kept, in place of what was written before.
  func write(pins: Set<CachePin>) throws(SystemError) {
    var text = ""
    for pin in pins.sorted(by: { ($0.stream.rawValue, $0.shard ?? "") < ($1.stream.rawValue, $1.shard ?? "") }) {
      text += "\(ShardRecord.escaped(pin.stream.rawValue))\t\(ShardRecord.escaped(pin.shard ?? ""))\n"
    }
    let file = try layout.root.openOrCreate("pins.new")
    try file.truncate(to: 0)
    try file.write(Array(text.utf8), at: 0)
    try file.sync()
    try layout.root.replace(with: "pins.new", in: layout.root, as: "pins")
    try layout.root.sync()
  }

  func readPins() throws(SystemError) -> Set<CachePin> {
    let file: OwnedDescriptor
    do throws(SystemError) { file = try layout.root.open("pins") } catch {
      guard error.isMissing else { throw error }
      return []
    }
    let text = String(decoding: try file.read(count: try file.size(), at: 0), as: UTF8.self)
    var pins: Set<CachePin> = []
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard parts.count == 2 else { continue }
      let shard = ShardRecord.unescaped(parts[1])
      pins.insert(CachePin(stream: StreamName(ShardRecord.unescaped(parts[0])), shard: shard.isEmpty ? nil : shard))
    }
    return pins
  }
}
