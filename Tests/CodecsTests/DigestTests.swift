import Codecs
import Testing

@Suite struct DigestTests {
  /// Digests of "abc". The xxHash ones are formats.md §7's, the others published in FIPS 180/202, RFC 1321 and 7693.
  static let abc: [(String, String)] = [
    ("md5", "900150983cd24fb0d6963f7d28e17f72"),
    ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("sha224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
    ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "sha384",
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
    ),
    (
      "sha512",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    ),
    ("sha3_224", "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"),
    ("sha3_256", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
    (
      "sha3_384",
      "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25"
    ),
    (
      "sha3_512",
      "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
        + "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"
    ),
    (
      "blake2b",
      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
        + "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
    ),
    ("blake2s", "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"),
    ("xxh32", "32d153ff"),
    ("xxh64", "44bc2cf5ad770999"),
    ("xxh3_64", "78af5f94892f3950"),
    ("xxh128", "06b05ab6733a618578af5f94892f3950"),
    ("xxh3_128", "06b05ab6733a618578af5f94892f3950"),
  ]

  @Test(arguments: abc) func publishedDigestOfABC(name: String, expected: String) throws {
    #expect(try Digest.hex(name, of: Array("abc".utf8)) == expected)
  }

  @Test func everyKnownNameIsTested() {
    #expect(Set(Self.abc.map(\.0)) == Set(Digest.knownNames))
  }

  /// Feeding in pieces, with empty ones between, changes nothing.
  @Test(arguments: DigestAlgorithm.allCases) func piecesGiveTheDigestOfTheWhole(algorithm: DigestAlgorithm) throws {
    let bytes = (0..<70_001).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) }
    var pieces = try IncrementalDigest(algorithm)
    var start = 0
    for size in [0, 1, 63, 64, 65, 0, 1000, 4096, 60_000, 4712] {
      pieces.update(Array(bytes[start..<start + size]))
      start += size
    }
    #expect(start == bytes.count)
    let digest = pieces.finalizeBytes()
    #expect(digest.count == algorithm.byteCount)
    #expect(Hexadecimal.encode(digest) == (try Digest.hex(algorithm.rawValue, of: bytes)))
  }

  @Test func emptyInput() throws {
    #expect(try Digest.hex("xxh64", of: []) == "ef46db3751d8e999")
    #expect(
      try Digest.hex("sha256", of: []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }

  @Test func unknownNameListsTheKnown() {
    #expect(throws: CodecError.unknownDigest(name: "crc32")) { try Digest.hex("crc32", of: []) }
    let message = CodecError.unknownDigest(name: "crc32").description
    #expect(message.contains("\"crc32\"") && message.contains("xxh3_64") && message.contains("blake2b"))
  }

  @Test func aSetGivesEachDigest() throws {
    var set = try DigestSet(named: ["sha1", "xxh32"])
    for byte in Array("abc".utf8) { withUnsafeBytes(of: byte) { set.update($0) } }
    #expect(set.finalize() == ["sha1": "a9993e364706816aba3e25717850c26c9cd0d89d", "xxh32": "32d153ff"])
  }

  /// RFC 4231, test cases 1, 2, 3 and 6 (a key longer than a block).
  @Test(arguments: [
    (
      [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    (
      [UInt8](repeating: 0xaa, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
  ])
  func publishedHMACs(key: [UInt8], message: [UInt8], expected: String) {
    #expect(Hexadecimal.encode(HMAC.sha256(key: key, message: message)) == expected)
  }

  /// RFC 4648 §10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func publishedBase64(text: String, expected: String) {
    #expect(Base64.encode(Array(text.utf8)) == expected)
    #expect(Base64.decode(expected) == Array(text.utf8))
  }

  @Test(arguments: ["Z", "Zg", "Zg=", "Zh==", "Zg==Zg==", "Z!==", "====", "Zm9v\n"])
  func brokenBase64(text: String) {
    #expect(Base64.decode(text) == nil)
  }

  @Test func hexadecimalRoundTrip() {
    let bytes = (0...255).map { UInt8($0) }
    #expect(Hexadecimal.decode(Hexadecimal.encode(bytes)) == bytes)
    #expect(Hexadecimal.decode("0F") == [15])
    #expect(Hexadecimal.decode("0") == nil)
    #expect(Hexadecimal.decode("0g") == nil)
  }
}
