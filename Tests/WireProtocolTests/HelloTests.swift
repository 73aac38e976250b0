import DatasetModel
import Testing
import WireProtocol

struct HelloTests {
  private func hello(_ minimum: UInt16, _ maximum: UInt16) -> HelloRequest {
    HelloRequest(minimumVersion: minimum, maximumVersion: maximum, capabilities: [], process: 1, client: "")
  }

  @Test("the newest version in common is spoken")
  func negotiates() throws {
    #expect(try hello(1, 1).negotiated() == 1)
    #expect(try hello(0, 9).negotiated() == 1)
    for (minimum, maximum) in [(2, 9), (0, 0), (2, 1), (9, 0)] as [(UInt16, UInt16)] {
      #expect(throws: WireError.noCommonVersion(minimum: minimum, maximum: maximum)) {
        try hello(minimum, maximum).negotiated()
      }
    }
  }

  @Test("a client's name is cut between characters")
  func longName() {
    let name = String(repeating: "👩‍👩‍👧", count: 10)
    let cut = HelloRequest(capabilities: [], process: 1, client: name).client
    #expect(cut.utf8.count <= ProtocolLimits.clientNameBytes)
    #expect(name.hasPrefix(cut) && cut.count == 7)
  }

  @Test("worlds that do not fit the wire are none")
  func worlds() {
    #expect(WireWorld(World(nodes: 2, ranksPerNode: 3, workersPerRank: 4))?.world.ranks == 6)
    #expect(WireWorld(World(nodes: -1, ranksPerNode: 1, workersPerRank: 1)) == nil)
    #expect(WireWorld(World(nodes: 1, ranksPerNode: 1 << 32, workersPerRank: 1)) == nil)
  }

  @Test("a stream's schema keeps what a client needs")
  func schemas() {
    let column = ColumnSchema(name: "a", encoding: "int", size: 8)
    let separated = StreamSchema(
      format: .separated(name: "tsv", separator: "\t"), columns: [column], newline: "\n")
    #expect(
      WireSchema(separated) == WireSchema(format: .separated, separator: "\t", newline: "\n", columns: [column]))
    #expect(WireSchema(StreamSchema(format: .mds, columns: [column])) == WireSchema(format: .mds, columns: [column]))
  }
}
