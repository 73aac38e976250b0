import LinuxSystem
import LocalSocket
import Testing
import WireProtocol

struct DescriptorPassingTests {
  @Test("files arrive whole and in order, however many messages they need", arguments: [0, 1, 253, 254, 600])
  func arrives(_ count: Int) throws {
    let daemon = try TestDaemon()
    var client = try daemon.client()
    for _ in 0..<3 {
      let reply = try client.call(BatchRequest(session: 1, epoch: 0, first: 0, count: UInt32(count)))
      guard case .files(let files) = reply.body else {
        Issue.record("not a reply with files")
        return
      }
      #expect(files.handles.count == count)
      for handle in files.handles {
        let file = try #require(client.files[handle])
        let bytes = try file.read(count: 5, at: 0)
        #expect(bytes == withUnsafeBytes(of: handle.littleEndian) { Array($0) })
      }
      try client.release(files.drops)
      #expect(client.files.isEmpty)
    }
    #expect(try daemon.end())
  }

  @Test("pipelined replies keep their descriptors apart")
  func pipelined() throws {
    let daemon = try TestDaemon()
    var client = try daemon.client()
    let request = BatchRequest(session: 1, epoch: 0, first: 0, count: 300)
    let health = try client.send(HealthRequest())
    let batch = try client.send(request)
    let last = try client.send(HealthRequest())
    _ = try client.receive(answerTo: HealthRequest(), number: health)
    _ = try client.receive(answerTo: request, number: batch)
    _ = try client.receive(answerTo: HealthRequest(), number: last)
    #expect(client.files.count == 300)
    #expect(try client.files.allSatisfy { try $0.value.read(count: 4, at: 0).first == UInt8($0.key & 0xFF) })
    #expect(try daemon.end())
  }
}
