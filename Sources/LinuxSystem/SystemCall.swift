import Glibc
import SystemPackage

/// Runs a call that answers -1 on failure, again while it is interrupted, and throws its `errno` otherwise.
@discardableResult
func systemCall<Result: FixedWidthInteger & SignedInteger>(
  _ name: String, _ subject: @autoclosure () -> String, _ body: () -> Result
) throws(SystemError) -> Result {
  while true {
    let result = body()
    if result != -1 { return result }
    let code = errno
    if code == EINTR { continue }
    throw SystemError(name, subject(), Errno(rawValue: code))
  }
}
