import Codecs
import DatasetModel
import Foundation
import ShardFormats
import Testing

/// Flips, cuts, lengthens and splices the bytes of indexes and shards. Whatever comes out, every answer is an error or
/// ranges inside the file; the checks of a debug build catch a read out of bounds.
///
/// The seed is new in every run and stands in every failure.
@Suite struct MutationTests {
  static let seed = UInt64.random(in: 0...UInt64.max)

  /// Words that make a parser's life hard.
  private static let splices: [[UInt8]] = [
    Array("\"".utf8), Array("{".utf8), Array("}".utf8), Array("[".utf8), Array("\\".utf8), Array("\\u0000".utf8),
    Array("../".utf8), Array("/".utf8), Array("-1".utf8), Array("4294967296".utf8), Array("9223372036854775807".utf8),
    Array("9223372036854775808".utf8), Array("1e5".utf8), Array("null".utf8), Array("0".utf8), [0xff], [0xc3], [0x00],
    [0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0],
  ]

  private func mutate(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0...Int.random(in: 0...2, using: &generator) where !bytes.isEmpty {
      let position = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0...6, using: &generator) {
      case 0: bytes[position] ^= 1 << UInt8.random(in: 0...7, using: &generator)
      case 1: bytes[position] = UInt8.random(in: 0...255, using: &generator)
      case 2: bytes.removeSubrange(position..<min(bytes.count, position + Int.random(in: 1...30, using: &generator)))
      case 3: bytes.removeSubrange(position...)
      case 4: bytes.append(contentsOf: (0..<8).map { _ in UInt8.random(in: 0...255, using: &generator) })
      case 5: bytes.insert(contentsOf: Self.splices.randomElement(using: &generator) ?? [], at: position)
      default:
        let end = min(bytes.count, position + Int.random(in: 1...60, using: &generator))
        bytes.insert(
          contentsOf: Array(bytes[position..<end]), at: Int.random(in: 0...bytes.count, using: &generator))
      }
    }
    return bytes
  }

  @Test(arguments: Fixture.allCases) func indexes(fixture: Fixture) throws {
    var generator = SeededGenerator(seed: Self.seed)
    let whole = try fixture.bytes("index.json")
    // One or two records are as good as many, and faster.
    let index = try shortened(whole)
    var accepted = 0
    for round in 0..<3000 {
      let bytes = mutate(index, &generator)
      do throws(IndexError) {
        let manifest = try parseIndex(bytes, stream: "s")
        accepted += 1
        for shard in manifest.shards {
          for pair in shard.files {
            #expect(RelativePath.fault(of: pair.stored.basename.utf8) == nil, "seed \(Self.seed) round \(round)")
            #expect(pair.raw.bytes >= 0 && pair.stored.bytes >= 0)
          }
          #expect(shard.samples >= 0 && manifest.schemas.indices.contains(shard.schema))
        }
        let copy = ManifestCopy.bytes(of: manifest, validator: "v")
        #expect((try? ManifestCopy.read(copy, validator: "v")) == manifest, "seed \(Self.seed) round \(round)")
      } catch {
        #expect(error.description.hasPrefix("stream \"s\", index.json"), "seed \(Self.seed) round \(round)")
      }
      // Collecting faults takes other paths, and must come to an end too.
      var parser = IndexParser(stream: "s", collectingFaults: 5)
      do throws(IndexError) { try parser.add(bytes) } catch {}
      #expect(parser.faults.count <= 5)
    }
    #expect(accepted < 3000)
  }

  /// The document with its first two records.
  private func shortened(_ bytes: [UInt8]) throws -> [UInt8] {
    let text = String(decoding: bytes, as: UTF8.self)
    let parts = text.components(separatedBy: "}, {\"col")
    guard parts.count > 2 else { return bytes }
    let short = Array((parts[0] + "}, {\"col" + parts[1] + "}], \"version\": 2}").utf8)
    return (try? parseIndex(short, stream: "s")) == nil ? bytes : short
  }

  @Test(arguments: Fixture.allCases) func shards(fixture: Fixture) throws {
    var generator = SeededGenerator(seed: Self.seed ^ 1)
    let manifest = try fixture.manifest()
    let shard = manifest.shards[0]
    let schema = manifest.schemas[shard.schema]
    let data = try fixture.raw(shard.data, of: shard)
    let meta = try shard.meta.map { try fixture.raw($0, of: shard) }
    for round in 0..<5000 {
      let badHead = mutate(meta ?? data, &generator)
      let badData = meta == nil ? badHead : mutate(data, &generator)
      // As if the index had been bent to fit: the sizes agree, the contents need not.
      let bent = ShardDescriptor(
        format: shard.format, samples: shard.samples,
        data: FilePair(raw: FileRecord(basename: "d", bytes: badData.count)),
        meta: meta == nil ? nil : FilePair(raw: FileRecord(basename: "m", bytes: badHead.count)), schema: shard.schema)
      do throws(ShardError) {
        let table = try SampleTable(head: badHead, of: bent, at: 0, stream: "s")
        var end = 0
        for index in 0..<table.count {
          let range = table[index]
          #expect(range.lowerBound >= end && !range.isEmpty && range.upperBound <= badData.count)
          end = range.upperBound
          badData.withUnsafeBytes {
            _ = SampleCheck.fault(of: UnsafeRawBufferPointer(rebasing: $0[range]), schema: schema)
          }
        }
      } catch {
        #expect(error.description.hasPrefix("stream \"s\", shard 0"), "seed \(Self.seed) round \(round)")
      }
    }
  }

  /// Single samples of every encoding, so that the checks of values see more than a few lucky mutations.
  @Test func samples() throws {
    var generator = SeededGenerator(seed: Self.seed ^ 2)
    let fixture = Fixture.mdsEveryEncoding
    let manifest = try fixture.manifest()
    for shard in manifest.shards {
      let data = try fixture.raw(shard.data, of: shard)
      let table = try SampleTable(head: data, of: shard, at: 0, stream: "s")
      let sample = Array(data[table[0]])
      for _ in 0..<2000 {
        let bytes = mutate(sample, &generator)
        bytes.withUnsafeBytes { _ = SampleCheck.fault(of: $0, schema: manifest.schemas[shard.schema]) }
      }
    }
  }

  @Test(arguments: Fixture.allCases) func copies(fixture: Fixture) throws {
    var generator = SeededGenerator(seed: Self.seed ^ 3)
    let manifest = try fixture.manifest()
    let copy = ManifestCopy.bytes(of: manifest, validator: "v")
    for _ in 0..<300 {
      let bytes = mutate(copy, &generator)
      if bytes != copy { #expect(throws: ManifestCopyFault.self) { try ManifestCopy.read(bytes, validator: "v") } }
    }
  }
}
