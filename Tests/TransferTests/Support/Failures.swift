import Testing

@testable import Transfer

func url(_ text: String) throws -> RequestURL { try #require(RequestURL(text)) }

/// The failure of `body`; records an issue when it does not fail.
func failure<Result>(of body: () async throws -> Result) async throws -> TransferFailure {
  do {
    _ = try await body()
  } catch let failure as TransferFailure {
    return failure
  }
  Issue.record("nothing failed")
  return TransferFailure(.permanent, .status, "nothing failed")
}

/// `#expect(found == expected)` for calls that change what they are called on, which the macro cannot take.
func same<Value: Equatable>(
  _ found: Value, _ expected: Value, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found == expected, sourceLocation: sourceLocation)
}
