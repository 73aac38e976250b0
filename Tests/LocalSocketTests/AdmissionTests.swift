import LinuxSystem
import LocalSocket
import Testing
import WireProtocol

struct AdmissionTests {
  /// The code of the error frame that a client is turned away with.
  private func refusal(_ body: () throws -> Void) -> ErrorReply? {
    do {
      try body()
      return nil
    } catch WireClientError.refused(let reply) {
      return reply
    } catch {
      Issue.record("expected an error frame, got \(error)")
      return nil
    }
  }

  @Test("a user that the policy does not want is told so, and gets no thread")
  func wrongUser() throws {
    let own = PeerCredentials.ownUser
    let daemon = try TestDaemon(refuse: { peer in
      peer.user == own ? "user \(peer.user) is not allowed" : nil
    })
    let reply = refusal { _ = try daemon.client() }
    #expect(reply?.code == .notPermitted)
    #expect(reply?.message == "user \(own) is not allowed")
    #expect(daemon.refusals == [.notPermitted(reason: "user \(own) is not allowed")])
    #expect(daemon.listener.connections.isEmpty)
    #expect(try daemon.end())
  }

  @Test("the policy sees the kernel's word on the peer")
  func credentials() throws {
    let daemon = try TestDaemon(refuse: { peer in
      let isOwn = peer.user == PeerCredentials.ownUser && peer.process == PeerCredentials.ownProcess
      return isOwn && peer.isMember(of: peer.group) ? nil : "not this process"
    })
    var client = try daemon.client()
    #expect(client.transport.peer.process == PeerCredentials.ownProcess)
    #expect(try client.call(HealthRequest()).state == .ready)
    #expect(try daemon.end())
  }

  @Test("over the limit only health is answered, and over that nothing; a place that is left is given again")
  func full() throws {
    let daemon = try TestDaemon(limits: ConnectionLimits(connections: 2, probes: 1))
    let taken = [try daemon.client(), try daemon.client()]
    var probe = try daemon.client()
    #expect(try probe.call(HealthRequest()).state == .ready)
    #expect(refusal { _ = try probe.call(CloseRequest(session: 1)) }?.code == .tooManyConnections)
    #expect(try probe.call(HealthRequest()).state == .ready)
    let reply = refusal { _ = try daemon.client() }
    #expect(reply?.code == .tooManyConnections)
    #expect(reply?.retry == .after(milliseconds: 100))
    #expect(daemon.refusals == [.tooManyConnections(limit: 2)])

    taken[0].transport.close()
    #expect(eventually { daemon.listener.count(.full) == 1 })
    var next = try daemon.client()
    _ = try next.call(CloseRequest(session: 1))
    taken[1].transport.close()
    #expect(try daemon.end())
  }

  @Test("a probe's connection does not last: idle ones give their place back")
  func probeTime() throws {
    let limits = ConnectionLimits(connections: 0, probes: 1, probeTime: .milliseconds(50))
    let daemon = try TestDaemon(limits: limits)
    let probe = try ClientConnection.connect(to: daemon.path, timeout: .seconds(30))
    var byte = [UInt8](repeating: 0, count: 1)
    #expect(try byte.withUnsafeMutableBytes { try probe.receive(into: $0) } == 0)
    #expect(eventually { daemon.listener.count(.probeOnly) == 0 })
    #expect(try daemon.end())
  }
}
