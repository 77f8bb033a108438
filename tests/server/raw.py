"""Requests to an ASGI app exactly as written: header by header, chunk by chunk."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Scope

PORT = 7860
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"

Headers = list[tuple[str, str]]


@dataclass
class Answer:
    """What came back; status 0 is no answer at all."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    body: bytes = b""
    messages: list[str] = field(default_factory=list[str])

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


def ask(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/",
    headers: Headers | Mapping[str, str] | None = None,
    *,
    host: str | None = HOST,
    chunks: Iterable[bytes] = (),
    kind: str = "http",
    scheme: str = "http",
    client: str = "127.0.0.1",
) -> Answer:
    """Send a request and collect the answer. `host` None sends no Host header."""
    lines: Headers = list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
    if host is not None:
        lines.insert(0, ("host", host))
    scope: Scope = {
        "type": kind, "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": scheme, "path": path.partition("?")[0],
        "raw_path": path.partition("?")[0].encode(), "query_string": path.partition("?")[2].encode(), "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in lines],
        "client": (client, 50000), "server": ("127.0.0.1", PORT), "subprotocols": [],
    }  # fmt: skip
    if kind == "http":
        scope["method"] = method
    answer = Answer()
    messages = messages_of(kind, chunks)

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        answer.messages.append(message["type"])
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    async def call() -> None:
        await asyncio.wait_for(app(scope, receive, send), 20)  # type: ignore[arg-type]

    asyncio.run(call())
    return answer


def messages_of(kind: str, chunks: Iterable[bytes]) -> Iterator[Message]:
    """What a server hands to the app."""
    if kind == "websocket":
        yield {"type": "websocket.connect"}
        yield {"type": "websocket.disconnect", "code": 1000}
        return
    for chunk in chunks:
        yield {"type": "http.request", "body": chunk, "more_body": True}
    yield {"type": "http.request", "body": b"", "more_body": False}
    while True:
        yield {"type": "http.disconnect"}
