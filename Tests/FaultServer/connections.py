"""What the test servers stand on: a thread for each connection, and the most connections that there were at once."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOCK = threading.Lock()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    context = None
    files = "."
    connections = peak = 0

    def finish_request(self, request, client_address):
        if self.context is not None:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass


class CountedHandler(BaseHTTPRequestHandler):
    """Has every GET answered by `answer`."""

    protocol_version = "HTTP/1.1"
    is_counted = False

    def log_message(self, format, *arguments):
        pass

    def do_GET(self):
        self.answer()

    def count_connection(self):
        """Counts this connection among those that are open, once it asks for a file."""
        with LOCK:
            if not self.is_counted:
                self.is_counted = True
                self.server.connections += 1
                self.server.peak = max(self.server.peak, self.server.connections)

    def finish(self):
        super().finish()
        with LOCK:
            self.server.connections -= self.is_counted
