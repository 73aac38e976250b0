import LinuxSystem
import Synchronization
import SystemPackage

/// What the listener's thread does: one client after another is let in or turned away, and never waited for.
struct AcceptLoop: Sendable {
  let listener: Listener
  let limits: ConnectionLimits
  let policy: ConnectionPolicy
  let wake: WakeEvent

  /// How long to leave the system alone when it has no descriptors left for us.
  private static let pauseWhenExhausted = Duration.milliseconds(20)

  /// Runs until the listener stops or its socket fails.
  func run() {
    var spare = SpareDescriptor()
    var isExhausted = false
    while true {
      do throws(SystemError) {
        // Whoever waits in the queue keeps the socket readable: without a pause the loop would spin.
        if isExhausted, try wake.wait(within: Self.pauseWhenExhausted) { return }
        isExhausted = false
        if try listener.socket.waitReadable(or: wake, within: nil) == .woken { return }
        if let socket = try listener.socket.accept() { admit(socket) }
      } catch  where error.isOutOfDescriptors || error.errno == .noMemory || error.errno == .noBufferSpace {
        turnAwayWithSpare(&spare, error)
        isExhausted = true
      } catch {
        policy.observe(.failed(LocalSocketError(.system, "the listening socket failed", cause: error)))
        return
      }
    }
  }

  /// Lets one client in, or turns it away.
  private func admit(_ socket: UnixSocket) {
    let peer: PeerCredentials
    do throws(SystemError) {
      peer = try socket.peerCredentials()
      try socket.setSendTimeout(limits.sendTimeout)
    } catch {
      return turnAway(socket, nil, .exhausted(error))
    }
    if let reason = policy.refuse(peer) { return turnAway(socket, peer, .notPermitted(reason: reason)) }
    guard let (number, admission) = listener.ledger.withLock({ $0.admit() }) else {
      return turnAway(socket, peer, .tooManyConnections(limit: listener.limit))
    }
    let deadline = admission == .probeOnly ? ContinuousClock().now + limits.probeTime : nil
    let connection = Connection(socket, number: number, peer: peer, admission: admission, deadline: deadline)
    listener.ledger.withLock { $0.enter(connection, number: number) }
    policy.observe(.accepted(connection))
    do throws(SystemError) {
      try listener.serve(connection, policy)
    } catch {
      listener.ledger.withLock { $0.leave(number) }
      turnAway(socket, peer, .exhausted(error))
    }
  }

  /// Says why and closes. A fresh socket has room for the frame; if not, the client sees the end alone.
  private func turnAway(_ socket: UnixSocket, _ peer: PeerCredentials?, _ refusal: Refusal) {
    policy.observe(.refused(peer, refusal))
    do throws(SystemError) {
      _ = try socket.sendWithoutWaiting(policy.farewell(refusal))
    } catch {
      // The client is gone already: there is nobody to tell.
    }
    socket.shutdown()
  }

  /// Out of descriptors: the spare one makes room to accept the client and tell it so, instead of letting it hang.
  private func turnAwayWithSpare(_ spare: inout SpareDescriptor, _ cause: SystemError) {
    spare.release()
    do throws(SystemError) {
      if let socket = try listener.socket.accept() {
        turnAway(socket, nil, .exhausted(cause))
      }
    } catch {
      policy.observe(.refused(nil, .exhausted(error)))
    }
    spare.acquire()
  }
}

/// A descriptor kept for the moment when there are no others.
private struct SpareDescriptor {
  private var held: OwnedDescriptor?

  init() { acquire() }

  mutating func release() { held = nil }

  /// Without one the next client of an exhausted process waits in the queue; nothing worse.
  mutating func acquire() {
    do throws(SystemError) { held = try UnixSocket.make().descriptor } catch { held = nil }
  }
}
