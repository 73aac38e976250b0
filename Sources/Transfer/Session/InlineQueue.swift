import Foundation

/// Runs delegate callbacks where they arise, on the session's own queue: no hop, and a blocked callback is the
/// back-pressure that the usual delegate queue lacks.
final class InlineQueue: OperationQueue, @unchecked Sendable {
  // Sound: no state of its own; OperationQueue's restated conformance has to be written `@unchecked`.
  override func addOperation(_ block: @escaping @Sendable () -> Void) { block() }
}
