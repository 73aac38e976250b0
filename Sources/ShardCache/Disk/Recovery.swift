import DatasetModel
import LinuxSystem

/// What an earlier run left, made into what this one can work with: interrupted downloads and evictions are removed,
/// committed copies are adopted when their record is whole and their files are as long as it says, anything doubtful goes
/// to quarantine with its reason. What Sluice did not make is named and left alone.
struct Recovery: Sendable {
  struct QuarantinedCopy: Sendable {
    let name: String
    let stream: StreamName
    let bytes: Int
  }

  private(set) var copies: [(record: ShardRecord, place: CopyPlace)] = []
  private(set) var quarantine: [QuarantinedCopy] = []
  private(set) var pins: Set<CachePin> = []
  private(set) var events: [CacheEvent] = []
  private(set) var report = RecoveryReport()
  private var keys: Set<ShardKey> = []

  static func run(_ files: CacheFiles) throws(SystemError) -> Recovery {
    var recovery = Recovery()
    recovery.pins = try files.readPins()
    for entry in try files.layout.root.entries() where !CacheLayout.topNames.contains(entry.name) {
      recovery.leaveAlone(files.layout.root.child(entry.name))
    }
    try recovery.sweepStaging(files)
    try recovery.adoptShards(files)
    try recovery.countQuarantine(files)
    return recovery
  }

  private mutating func leaveAlone(_ path: String) {
    report.foreign.append(path)
    events.append(.foreign(path: path))
  }

  private mutating func sweepStaging(_ files: CacheFiles) throws(SystemError) {
    let staging = files.layout.staging
    for entry in try staging.entries() {
      guard entry.kind == .directory, CacheLayout.key(inName: entry.name) != nil else {
        leaveAlone(staging.child(entry.name))
        continue
      }
      try sweep(entry.name, in: staging, files)
    }
    try staging.sync()
  }

  private mutating func sweep(_ name: String, in parent: Directory, _ files: CacheFiles) throws(SystemError) {
    for path in try files.remove(name, from: parent) { leaveAlone(path) }
    report.swept += 1
    events.append(.swept(place: parent.child(name)))
  }

  private mutating func adoptShards(_ files: CacheFiles) throws(SystemError) {
    let shards = files.layout.shards
    for stream in try shards.entries() {
      guard stream.kind == .directory else {
        leaveAlone(shards.child(stream.name))
        continue
      }
      let directory = try shards.directory(stream.name)
      for entry in try directory.entries() {
        guard entry.kind == .directory, let key = CacheLayout.key(inName: entry.name) else {
          leaveAlone(directory.child(entry.name))
          continue
        }
        try adopt(entry.name, key, in: directory, CopyPlace(stream: stream.name, name: entry.name), files)
      }
      if try directory.entries().isEmpty { try shards.removeDirectory(stream.name) }
    }
  }

  private mutating func adopt(
    _ name: String, _ key: ShardKey, in parent: Directory, _ place: CopyPlace, _ files: CacheFiles
  ) throws(SystemError) {
    let directory = try parent.directory(name)
    let entries = try directory.entries()
    guard entries.contains(where: { $0.name == CacheLayout.record && $0.kind == .file }) else {
      // Committing puts the record there before the name; evicting takes it away first.
      try sweep(name, in: parent, files)
      return
    }
    let file = try directory.open(CacheLayout.record)
    let record = ShardRecord(decoding: try file.read(count: ShardRecord.chargedBytes + 1, at: 0))
    guard let record else {
      try distrust(place, stream: "unknown", shard: name, reason: "its record is damaged", files)
      return
    }
    if let reason = try doubt(record, key, in: directory) {
      try distrust(place, stream: record.stream, shard: record.name, reason: reason, files)
      return
    }
    let expected = Set(record.files.map(\.name) + [CacheLayout.record])
    for entry in entries where !expected.contains(entry.name) { leaveAlone(directory.child(entry.name)) }
    keys.insert(key)
    copies.append((record, place))
    report.adopted += 1
    report.adoptedBytes += record.facts.residentBytes
  }

  private func doubt(_ record: ShardRecord, _ key: ShardKey, in directory: Directory) throws(SystemError) -> String? {
    if record.key != key { return "its record is of another shard" }
    if keys.contains(key) { return "there is another copy of the same shard" }
    if !record.files.contains(where: { $0.name == "data" }) { return "its record names no data file" }
    for file in record.files {
      guard let status = try directory.status(of: file.name) else { return "\(file.name) is missing" }
      if status.kind != .file { return "\(file.name) is not a regular file" }
      if status.bytes != file.bytes { return "\(file.name) has \(status.bytes) bytes instead of \(file.bytes)" }
    }
    return nil
  }

  private mutating func distrust(
    _ place: CopyPlace, stream: StreamName, shard: String, reason: String, _ files: CacheFiles
  ) throws(SystemError) {
    var name = "\(place.name).q"
    var number = 1
    while try files.layout.quarantine.status(of: name) != nil {
      number += 1
      name = "\(place.name).q\(number)"
    }
    try files.quarantine(place, as: name, reason: reason)
    report.quarantined += 1
    events.append(.quarantined(stream: stream, shard: shard, place: "quarantine/\(name)", reason: reason))
  }

  private mutating func countQuarantine(_ files: CacheFiles) throws(SystemError) {
    let home = files.layout.quarantine
    for entry in try home.entries() {
      guard entry.kind == .directory else {
        leaveAlone(home.child(entry.name))
        continue
      }
      let directory = try home.directory(entry.name)
      var bytes = 0
      var stream: StreamName = "unknown"
      for file in try directory.entries() where file.kind == .file {
        bytes += try directory.status(of: file.name)?.bytes ?? 0
        guard file.name == CacheLayout.record else { continue }
        let record = ShardRecord(decoding: try directory.open(file.name).read(count: ShardRecord.chargedBytes, at: 0))
        stream = record?.stream ?? stream
      }
      self.quarantine.append(QuarantinedCopy(name: entry.name, stream: stream, bytes: bytes))
      report.inQuarantine += 1
      report.quarantinedBytes += bytes
    }
  }
}
