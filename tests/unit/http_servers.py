"""A real HTTP server on loopback that says what a test wants, for as long as a test lasts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Said(BaseHTTPRequestHandler):
    status = 200
    body = b""
    extra: Mapping[str, str] = {}
    delay = 0.0
    heard: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.heard.append((self.path, dict(self.headers)))
        time.sleep(self.delay)
        self.send_response(self.status)
        for name, value in self.extra.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def server(
    body: str = "", *, status: int = 200, headers: Mapping[str, str] | None = None, delay: float = 0.0
) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """Serve one answer to everything; give the base URL, and the paths and headers heard."""
    heard: list[tuple[str, dict[str, str]]] = []
    said = {"status": status, "body": body.encode(), "extra": headers or {}, "delay": delay, "heard": heard}
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Said,), said))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}", heard
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
