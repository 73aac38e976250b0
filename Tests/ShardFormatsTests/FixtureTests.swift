import Codecs
import DatasetModel
import Foundation
import ShardFormats
import Testing

/// The twelve datasets that the reference itself wrote.
@Suite struct FixtureTests {
  @Test(arguments: Fixture.allCases) func everyFileHasTheDigestsOfTheIndex(fixture: Fixture) throws {
    let manifest = try fixture.manifest()
    #expect(!manifest.shards.isEmpty)
    var checked = 0
    for shard in manifest.shards {
      for pair in shard.files {
        for (record, bytes) in try [(pair.raw, fixture.raw(pair, of: shard))]
          + (pair.zip.map { [($0, try fixture.bytes($0.basename))] } ?? [])
        {
          #expect(bytes.count == record.bytes)
          for (name, expected) in record.hashes {
            #expect(try Digest.hex(name, of: bytes) == expected, "\(record.basename) \(name)")
            checked += 1
          }
        }
      }
    }
    // The one dataset that was written without hashes.
    #expect(checked > 0 || fixture == .tsvGz)
  }

  @Test(arguments: Fixture.allCases) func everySampleIsWhereTheTableSays(fixture: Fixture) throws {
    let manifest = try fixture.manifest()
    let expected = try fixture.expected()
    #expect(manifest.samples == expected.count)
    var sample = 0
    for (position, shard) in manifest.shards.enumerated() {
      let data = try fixture.raw(shard.data, of: shard)
      let meta = try shard.meta.map { try fixture.raw($0, of: shard) }
      let table = try SampleTable.read(
        shard, at: position, stream: StreamName(fixture.rawValue), sizes: (data.count, meta?.count)
      ) { (offset, count) throws(Never) in Array((meta ?? data)[offset..<offset + count]) }
      #expect(table.count == shard.samples)
      for index in 0..<table.count {
        let values = try texts(of: Array(data[table[index]]), manifest.schemas[shard.schema])
        for (name, value) in values {
          switch expected[sample][name] {
          case let text as String: #expect(value == text, "sample \(sample) \(name)")
          case let number as Int: #expect(value == "\(number)", "sample \(sample) \(name)")
          default: break
          }
        }
        #expect(Set(values.keys) == Set(expected[sample].keys))
        sample += 1
      }
    }
  }

  /// The columns as text where they are text or integers; other encodings are the client's.
  private func texts(of bytes: [UInt8], _ schema: StreamSchema) throws -> [String: String] {
    try bytes.withUnsafeBytes { sample in
      var values: [String: String] = [:]
      switch schema.format {
      case .mds:
        for (column, range) in zip(
          schema.columns, try ColumnLayout.ranges(ofSample: sample, columns: schema.columns))
        {
          if column.encoding == "int" {
            values[column.name] = "\(sample.loadUnaligned(fromByteOffset: range.lowerBound, as: Int64.self))"
          } else {
            values[column.name] = String(decoding: sample[range], as: UTF8.self)
          }
        }
      case .json:
        let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] ?? [:]
        for (name, value) in object { values[name] = "\(value)" }
      case .separated(_, let separator):
        let ranges = try ColumnLayout.ranges(ofLine: sample, separator: separator, newline: schema.newline ?? "")
        for (column, range) in zip(schema.columns, ranges) {
          values[column.name] = String(decoding: sample[range], as: UTF8.self)
        }
      }
      return values
    }
  }
}
