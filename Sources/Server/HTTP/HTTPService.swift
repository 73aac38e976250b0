import DaemonConfiguration
import FlyingFox
import FlyingSocks
import Foundation
import LinuxSystem
import Logging
import ServiceLifecycle
import WireProtocol

/// Health and metrics over HTTP, where the configuration gives an address: `/live`, `/ready`,
/// `/health`, `/metrics`, and `/status` for a dashboard of one's own.
struct HTTPService: Service {
  let configuration: HTTPConfiguration
  let parts: DaemonParts
  let logger: Logger

  func run() async throws {
    guard let listen = configuration.listen else {
      try await gracefulShutdown()
      return
    }
    do {
      let server = try Self.server(listen)
      await addRoutes(to: server)
      logger.info("health and metrics over HTTP", metadata: ["listen": "\(listen)"])
      try await cancelWhenGracefulShutdown { try await server.run() }
    } catch is CancellationError {
      return
    } catch {
      // Trainers are served all the same.
      logger.error("no health and metrics over HTTP", metadata: ["listen": "\(listen)", "error": "\(error)"])
      parts.health.trouble("http", "http.listen cannot be served: \(error)")
      try await gracefulShutdown()
    }
  }

  private static func server(_ listen: HTTPConfiguration.Address) throws -> HTTPServer {
    switch listen {
    case .tcp(let host, let port):
      if host == "localhost" { return HTTPServer(address: try .inet(ip4: "127.0.0.1", port: port)) }
      if host.contains(":") { return HTTPServer(address: try .inet6(ip6: host, port: port)) }
      return HTTPServer(address: try .inet(ip4: host, port: port))
    case .unix(let path):
      // A socket file that a killed daemon left would keep this one from binding.
      try KeptFiles.remove(path)
      return HTTPServer(address: .unix(path: path))
    }
  }

  private func addRoutes(to server: HTTPServer) async {
    let parts = parts
    await server.appendRoute("GET /live") { _ in Self.text(.ok, "live\n") }
    await server.appendRoute("GET /ready") { _ in
      let reply = parts.health.reply
      let serves = reply.state == .ready || reply.state == .degraded
      return Self.text(serves ? .ok : .serviceUnavailable, "\(reply.state): \(reply.detail)\n")
    }
    await server.appendRoute("GET /health") { _ in
      let reply = parts.health.reply
      let body = try AdminService.encode(HealthDocument(state: "\(reply.state)", detail: reply.detail))
      let serves = reply.state == .ready || reply.state == .degraded
      return HTTPResponse(
        statusCode: serves ? .ok : .serviceUnavailable, headers: [.contentType: "application/json"],
        body: Data(body.utf8))
    }
    await server.appendRoute("GET /status") { _ in
      HTTPResponse(
        statusCode: .ok, headers: [.contentType: "application/json"],
        body: Data(try parts.admin.statusDocument().utf8))
    }
    await server.appendRoute("GET /metrics") { _ in
      HTTPResponse(
        statusCode: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
        body: Data(MetricsText.of(parts).utf8))
    }
  }

  private static func text(_ status: HTTPStatusCode, _ body: String) -> HTTPResponse {
    HTTPResponse(statusCode: status, headers: [.contentType: "text/plain; charset=utf-8"], body: Data(body.utf8))
  }
}

/// What `/health` answers.
struct HealthDocument: Encodable {
  let state: String
  let detail: String
}
