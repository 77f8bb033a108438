"""Answers that are given before any route is reached: a refusal, a small page."""

import json
from collections.abc import Mapping

from starlette.types import Scope, Send


async def reply(send: Send, status: int, body: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
    """A whole answer; never stored by a browser."""
    lines = {"content-type": kind, "content-length": str(len(body)), "cache-control": "no-store", **(headers or {})}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def refuse(scope: Scope, send: Send, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
    """An error in A1111's form; a WebSocket is closed before it opens."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    body = json.dumps({"error": "HTTPException", "detail": reason, "body": "", "errors": ""}).encode()
    await reply(send, status, body, "application/json", headers)
