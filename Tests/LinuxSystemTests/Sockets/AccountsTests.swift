import LinuxSystem
import Testing

struct AccountsTests {
  @Test("names become ids, numbers stand for themselves, unknown names are none")
  func names() throws {
    #expect(try Accounts.user(named: "root") == 0)
    #expect(try Accounts.group(named: "root") == 0)
    #expect(try Accounts.user(named: "4242") == 4242)
    #expect(try Accounts.group(named: "4242") == 4242)
    #expect(try Accounts.user(named: "no-such-user-here") == nil)
    #expect(try Accounts.group(named: "no-such-group-here") == nil)
  }
}
