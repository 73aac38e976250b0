/// Why a case file cannot be read.
public enum PlanCaseError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The text is not JSON.
  case notJSON(offset: Int, expected: String)
  /// A member is missing or of another type than it must be.
  case wrong(member: String, expected: String)

  /// What is wrong, and where.
  public var description: String {
    switch self {
    case .notJSON(let offset, let expected): "not JSON: expected \(expected) at byte \(offset)"
    case .wrong(let member, let expected): "\(member) must be \(expected)"
    }
  }
}

/// A JSON object of a case file, with where it is, for messages. A member that is null counts as absent.
struct CaseObject {
  let members: [String: JSONValue]
  let path: String

  init(_ value: JSONValue, at path: String) throws(PlanCaseError) {
    guard case .object(let members) = value else { throw .wrong(member: path, expected: "an object") }
    self.members = members.filter { $0.value != .null }
    self.path = path
  }

  func isGiven(_ name: String) -> Bool { members[name] != nil }

  private func wrong(_ name: String, _ expected: String) -> PlanCaseError {
    .wrong(member: "\(path).\(name)", expected: expected)
  }

  func integer(_ name: String) throws(PlanCaseError) -> Int? {
    guard let value = members[name] else { return nil }
    guard case .integer(let integer) = value else { throw wrong(name, "an integer") }
    return integer
  }

  func requiredInteger(_ name: String) throws(PlanCaseError) -> Int {
    guard let value = try integer(name) else { throw wrong(name, "given (an integer)") }
    return value
  }

  func number(_ name: String) throws(PlanCaseError) -> Double? {
    switch members[name] {
    case nil: return nil
    case .integer(let integer): return Double(integer)
    case .number(let number): return number
    default: throw wrong(name, "a number")
    }
  }

  func boolean(_ name: String) throws(PlanCaseError) -> Bool? {
    guard let value = members[name] else { return nil }
    guard case .boolean(let boolean) = value else { throw wrong(name, "true or false") }
    return boolean
  }

  func string(_ name: String) throws(PlanCaseError) -> String? {
    guard let value = members[name] else { return nil }
    guard case .string(let string) = value else { throw wrong(name, "a string") }
    return string
  }

  func object(_ name: String) throws(PlanCaseError) -> CaseObject? {
    guard let value = members[name] else { return nil }
    return try CaseObject(value, at: "\(path).\(name)")
  }

  func requiredObject(_ name: String) throws(PlanCaseError) -> CaseObject {
    guard let object = try object(name) else { throw wrong(name, "given (an object)") }
    return object
  }

  func requiredArray(_ name: String) throws(PlanCaseError) -> [JSONValue] {
    guard case .array(let values)? = members[name] else { throw wrong(name, "given (an array)") }
    return values
  }

  func requiredIntegers(_ name: String) throws(PlanCaseError) -> [Int] {
    var integers: [Int] = []
    for value in try requiredArray(name) {
      guard case .integer(let integer) = value else { throw wrong(name, "an array of integers") }
      integers.append(integer)
    }
    return integers
  }
}
