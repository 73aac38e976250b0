import Testing

@testable import Transfer

/// Amazon's published vectors: the examples of the S3 API reference ("Signature Calculations for the Authorization
/// Header") and of the Signature V4 test suite.
struct SigV4Tests {
  static let keys = AccessKeys(
    accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
  // 2013-05-24T00:00:00Z
  static let time = 1_369_353_600

  @Test(arguments: [
    (
      "/test.txt", [HTTPField("Range", "bytes=0-9")],
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    ),
    ("/?lifecycle", [], "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    ("/?max-keys=2&prefix=J", [], "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
  ])
  func examplesOfTheS3Reference(path: String, headers: [HTTPField], signature: String) throws {
    let address = try url("https://examplebucket.s3.amazonaws.com\(path)")
    let signed = SigV4(keys: Self.keys, region: "us-east-1").headers(for: address, signing: headers, time: Self.time)
    let authorization = try #require(signed.first { $0.name == "Authorization" })
    #expect(authorization.value.hasSuffix("Signature=\(signature)"), "\(authorization.value)")
    #expect(authorization.value.contains("Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"))
    #expect(authorization.isSecret)
  }

  @Test(arguments: [
    ("/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
  ])
  func examplesOfTheTestSuite(path: String, signature: String) throws {
    let keys = AccessKeys(accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    let signed = SigV4(keys: keys, region: "us-east-1", service: "service").headers(
      for: try url("https://example.amazonaws.com\(path)"), time: 1_440_938_160, hashesPayload: false)
    #expect(signed.last?.value.hasSuffix("Signature=\(signature)") == true, "\(signed.last?.value ?? "")")
  }

  @Test func sessionTokensAreSignedAndNothingIsShown() throws {
    let keys = AccessKeys(accessKey: "A", secretKey: "S3CRET", sessionToken: "T0KEN")
    let signed = SigV4(keys: keys, region: "r").headers(for: try url("https://h/x"), time: 0)
    let authorization = try #require(signed.last?.value)
    #expect(authorization.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token"))
    var shown = ""
    dump(keys, to: &shown)
    dump(signed, to: &shown)
    shown += "\(keys) \(signed) \(String(reflecting: signed))"
    #expect(!shown.contains("S3CRET") && !shown.contains("T0KEN") && !shown.contains("Signature="), "\(shown)")
  }
}

/// Vectors made with Microsoft's own Python SDK (azure-storage-blob 12, SharedKeyCredentialPolicy; it calls the line of
/// the Range header `byte_range`).
struct AzureSharedKeyTests {
  static let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="

  @Test(arguments: [
    ("/data/pile%20mds/shard.00000.mds", "bytes=10-99", "U9EAsOHhSphMsQ1TV2vX1xPNfdWQSOD/rySb7t3LR1I="),
    ("/data/pile%20mds/shard.00000.mds", nil, "994RmRqzvTBdysfT7yFjDlefr18GRlOM+Gv2I5+WQas="),
    (
      "/data?restype=container&comp=list&delimiter=%2F&prefix=a%2Fb", nil,
      "7HlZziBLaAJeKI3SV5Uxr0mC7HwrN4F8FUfvYwSrFOU="
    ),
  ])
  func sameAsTheSDK(path: String, range: String?, signature: String) throws {
    let key = try #require(AzureSharedKey(account: "myaccount", key: Self.key))
    let time = try #require(HTTPDate.parse("Mon, 23 Nov 2026 05:48:49 GMT"))
    let headers = key.headers(
      for: try url("https://myaccount.blob.core.windows.net\(path)"), range: range, time: time)
    #expect(headers.last?.value == "SharedKey myaccount:\(signature)")
  }

  @Test func badKeysAreNone() { #expect(AzureSharedKey(account: "a", key: "not base 64!") == nil) }
}
