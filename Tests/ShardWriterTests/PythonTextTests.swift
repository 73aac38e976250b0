import Testing

@testable import ShardWriter

/// Against what CPython 3.11 prints.
@Suite struct PythonTextTests {
  @Test(arguments: [
    (0.1, "0.1"), (1.0, "1.0"), (-0.0, "-0.0"), (100.0, "100.0"), (1e15, "1000000000000000.0"), (1e16, "1e+16"),
    (123456789012345680.0, "1.2345678901234568e+17"), (9007199254740993.0, "9007199254740992.0"),
    (9999999999999998.0, "9999999999999998.0"), (1e22, "1e+22"), (1.5e300, "1.5e+300"), (0.0001, "0.0001"),
    (0.00001, "1e-05"), (0.00012345, "0.00012345"), (1.25e-7, "1.25e-07"), (.leastNonzeroMagnitude, "5e-324"),
    (1.7976931348623157e308, "1.7976931348623157e+308"), (-2.5, "-2.5"), (3.14, "3.14"), (12345.678, "12345.678"),
    (.infinity, "inf"), (-.infinity, "-inf"), (.nan, "nan"),
  ])
  func floats(value: Double, expected: String) {
    #expect(PythonText.float(value) == expected)
  }

  @Test(arguments: [
    ("abc", #""abc""#), ("\"\\/", #""\"\\/""#), ("\n\r\t\u{8}\u{c}", #""\n\r\t\b\f""#),
    ("\u{1}\u{7f}", "\"\\u0001\u{7f}\""),
    ("süß", #""s\u00fc\u00df""#), ("😀", #""\ud83d\ude00""#), ("\u{2028}", #""\u2028""#),
  ])
  func strings(text: String, expected: String) {
    var bytes: [UInt8] = []
    PythonText.appendString(text, to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == expected)
  }
}
