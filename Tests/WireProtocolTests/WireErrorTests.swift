import Testing
import WireProtocol

struct WireErrorTests {
  @Test("every error has its code, and says which field and what is right")
  func codes() {
    let errors: [(WireError, ErrorCode, String)] = [
      (.truncated(field: "ids", needed: 8, left: 3), .malformed, "ids"),
      (.trailing(bytes: 4), .malformed, "4 bytes"),
      (.invalid(field: "mode", value: 9, allowed: "1 to 3"), .malformed, "1 to 3"),
      (.notUTF8(field: "client"), .malformed, "client"),
      (.overLimit(field: "client", count: 200, limit: 128), .malformed, "128"),
      (.tooLong(bytes: 9, limit: 8), .tooLong, "at most 8"),
      (.unknownKind(0x8123), .unknownKind, "0x8123"),
      (.helloExpected(kind: 10), .helloExpected, "hello"),
      (.noCommonVersion(minimum: 7, maximum: 9), .version, "7 to 9"),
    ]
    for (error, code, text) in errors {
      #expect(error.code == code)
      #expect(code.closesConnection)
      #expect(error.description.contains(text))
      #expect(ErrorReply(error).code == code)
    }
  }

  @Test("codes are PROTOCOL.md's")
  func numbers() {
    let numbers: [UInt16] = [
      1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 30, 31, 32, 33, 34, 35, 40, 41, 42, 44, 45, 46, 50,
    ]
    #expect(ErrorCode.allCases.map(\.rawValue) == numbers)
  }
}
