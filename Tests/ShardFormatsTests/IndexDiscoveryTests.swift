import ShardFormats
import Testing

@Suite struct IndexDiscoveryTests {
  @Test func subdirectoriesInTheOrderOfTheirBytes() {
    let listing = ["b/index.json", "a/x.mds", "B/index.json", "a/index.json", "a/deep/index.json", "é/index.json"]
    #expect(IndexDiscovery.subdirectories(listing: listing) == ["B", "a", "a/deep", "b", "é"])
  }

  @Test func anIndexAtTheRootStandsAlone() {
    #expect(IndexDiscovery.subdirectories(listing: ["a/index.json", "index.json"]) == [""])
  }

  @Test func othersAreNoIndexes() {
    let listing = ["a/myindex.json", "a/index.json.tmp", "/index.json", "../index.json", "a/../index.json"]
    #expect(IndexDiscovery.subdirectories(listing: listing).isEmpty)
  }
}
