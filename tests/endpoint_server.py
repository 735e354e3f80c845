"""A server on loopback that speaks OpenAI's API as well or as badly as a test tells it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "nvidia/Cosmos-Reason2-2B"

Body = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What comes back for one request."""

    status: int = 200
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """How long it takes."""
    hang: bool = False
    """Nothing comes until the server stops."""
    cut: int | None = None
    """Only so many bytes of the body, then the connection is cut."""

    def data(self) -> bytes:
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode()


def says(content: str | None, *, finish: str = "stop", logprobs: Any = None, **message: Any) -> Answer:
    """Build a sound completion."""
    choice: Body = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content}}
    choice["message"] |= message
    if logprobs is not None:
        choice["logprobs"] = logprobs
    usage = {"prompt_tokens": 72, "completion_tokens": 5, "total_tokens": 77}
    body = {"id": "x", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice], "usage": usage}
    return Answer(body=body)


def fails(status: int, message: str = "", **headers: str) -> Answer:
    """Build an error as servers send it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"error": {"message": message, "type": "x", "code": status}}, named)


def lists(*names: str, owner: str = "vllm", **more: object) -> Answer:
    """Build a list of models."""
    models = [{"id": name, "object": "model", "created": 0, "owned_by": owner, **more} for name in names]
    return Answer(body={"object": "list", "data": models})


class Server:
    """Answers `/v1/chat/completions` by `answer(body, number)`, and `/v1/models` by `models`."""

    def __init__(self, answer: Callable[[Body, int], Answer], models: Answer | None = None) -> None:
        self.answer = answer
        self.models = models if models is not None else lists(MODEL)
        self.requests: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.port = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._http: ThreadingHTTPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Listen, on the same port as before."""
        self._stopped.clear()
        self._http = _Http(("127.0.0.1", self.port), _handler(self))
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def kill(self) -> None:
        """Stop listening and cut every connection, as a killed process does."""
        http, self._http = self._http, None
        if http is None:
            return
        self._stopped.set()
        http.shutdown()
        http.server_close()
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for connection in sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def take(self, connection: socket.socket) -> None:
        with self._lock:
            self._sockets.add(connection)

    @contextlib.contextmanager
    def request(self, body: Body, headers: dict[str, str]) -> Iterator[int]:
        with self._lock:
            number = len(self.requests)
            self.requests.append(body)
            self.headers.append(headers)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield number
        finally:
            with self._lock:
                self.at_once -= 1

    def wait(self, answer: Answer) -> bool:
        """Take the time that an answer takes; False where the server was killed meanwhile."""
        return not self._stopped.wait(60 if answer.hang else answer.seconds) and not answer.hang

    def send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        data = answer.data()
        handler.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data)), **answer.headers}
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data if answer.cut is None else data[: answer.cut])
        if answer.cut is not None:
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections are cut on purpose."""


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            server.take(self.connection)

        def do_GET(self) -> None:
            answer = server.models if self.path == "/v1/models" else fails(404, "Not Found")
            if server.wait(answer):
                server.send(self, answer)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            # counted out before it is sent: the client may follow up faster than this thread goes on
            with server.request(body, {name.lower(): value for name, value in self.headers.items()}) as number:
                answer = server.answer(body, number)
                alive = server.wait(answer)
            if alive:
                server.send(self, answer)
            self.close_connection = self.close_connection or not alive

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name is theirs)
            """Say nothing."""

    return Handler


@contextlib.contextmanager
def running(answer: Callable[[Body, int], Answer], models: Answer | None = None) -> Iterator[Server]:
    """Run a server for the time of a test."""
    server = Server(answer, models)
    try:
        yield server
    finally:
        server.kill()


def text_of(body: Body) -> str:
    """Return the user's text in a request."""
    return str(body["messages"][-1]["content"][-1]["text"])
