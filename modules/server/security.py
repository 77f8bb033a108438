"""What stands before everything that is served: who is spoken to, who speaks, how much, and what a browser may do with the answer."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.contract.errors import BadRequest
from modules.server.accounts import Accounts
from modules.server.door import Door
from modules.server.replies import refuse

BODY_LIMIT = 64 * 1024 * 1024

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9._-]*[a-z0-9])?)(:[0-9]{1,5})?")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# What a form or a fetch of any site may send without asking first (fetch.spec.whatwg.org, CORS-safelisted request-header); "" is none.
SIMPLE_TYPES = frozenset({"", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
SINGLE_HEADERS = frozenset({"host", "origin", "content-type", "content-length", "authorization",
                            "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"})  # fmt: skip

# Gradio needs inline scripts and styles and compiles strings of its page; nothing is ever loaded from or sent to another place.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' blob: data:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
# For files that somebody wrote: Gradio serves an .html with its real type, which would otherwise run as a part of the page.
FILE_POLICY = "sandbox; default-src 'none'; img-src 'self'"
FILE_PATH = re.compile(r"/+(gradio_api/+)?file[=/]")

HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"SAMEORIGIN",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"same-origin",  # 'no-referrer' would make browsers send 'Origin: null' with our own forms
}

# With a refusal: else the server would read the rest of the body, however long.
CLOSE = {"connection": "close"}


def secure(
    app: ASGIApp,
    *,
    port: int,
    hosts: Iterable[str] = (),
    page_accounts: Mapping[str, str] | None = None,
    api_accounts: Mapping[str, str] | None = None,
    shared: Callable[[str], bool] = lambda path: False,
) -> ASGIApp:
    """The finished app with the guard around it, and the door if there are accounts.

    `hosts` are further names that the program is reached by, each with or without a port; `shared` says of a path that it is for the
    page and for API clients alike. Raises BadRequest for what is no name, `*` included.
    """
    if page_accounts or api_accounts:
        page, api = Accounts(page_accounts or api_accounts or {}), Accounts(api_accounts or page_accounts or {})
        app = Door(app, port=port, page=page, api=api, shared=not (page_accounts and api_accounts), for_both=shared)
    return Guard(app, port=port, hosts=hosts)


@dataclass(frozen=True)
class Refusal:
    """Why a request goes no further."""

    status: int
    reason: str


class Guard:
    """Outermost ASGI middleware, for pages, routes, mounts and WebSockets alike. Refuses unless all of these hold.

    *Spoken to*: the Host header is a loopback name with our port, or a configured name. A page of another site whose name was
    made to point here (DNS rebinding) sends its own name.

    *Who speaks*: Origin is absent or one of ours, with the scheme that we are served by; `null` is nobody. Sec-Fetch-Site, which
    browsers set and pages cannot, is absent, `same-origin` or `none`; from other sites only a link to `/` in a whole window is
    followed. A header that decides and comes twice is refused, since others might read the other one.

    *Meant to change something*: a request other than GET, HEAD or OPTIONS must be one that another site cannot make a browser
    send. That is so if it shows an Origin of ours or `Sec-Fetch-Site: same-origin`, carries X-Requested-With, or has a content
    type that browsers ask permission for first, such as JSON; permission is never given. What is left are forms, uploads, plain
    text, and POSTs without a body. Of these only a POST without a body and without any Sec-Fetch header passes: scripts send
    `POST /sdapi/v1/interrupt` so, and a browser would have shown an Origin with it (all do with a POST to another site), or
    Sec-Fetch headers.

    *Size*: the body is counted as it comes, whatever Content-Length says.

    Answers get the headers that forbid a browser everything but the page, and lose any CORS header: Gradio would let in every
    origin under some host names.
    """

    def __init__(self, app: ASGIApp, *, port: int, hosts: Iterable[str] = (), body_limit: int = BODY_LIMIT) -> None:
        self.app = app
        self.body_limit = body_limit
        self.loopback = {f"{name}:{port}" for name in LOOPBACK} | set(LOOPBACK if port in (80, 443) else ())
        self.configured: set[str] = set()
        for host in hosts:
            name = host.strip().lower()
            found = HOST.fullmatch(name)
            if not found:
                raise BadRequest(f"'{host}' is not the name of a host.", "Give the names that this program is reached by, without http://.")
            self.configured |= {name} if found[3] else {name, f"{name}:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        refusal = self.refusal(scope)
        send = hardened(scope, send)
        if refusal:
            return await refuse(scope, send, refusal.status, refusal.reason, CLOSE)
        if scope["type"] == "websocket":
            return await self.app(scope, receive, send)
        return await self.metered(scope, receive, send)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why this request is refused; None if it is not."""
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name = raw_name.decode("latin-1").lower()
            if name in headers and name in SINGLE_HEADERS:
                return Refusal(400, f"The header {name} came twice.")
            headers[name] = raw_value.decode("latin-1").strip()
        if not scope["path"].startswith("/"):
            return Refusal(400, "The address must begin with a slash.")
        if headers.get("host", "").lower() not in self.loopback | self.configured:
            return Refusal(421, "This program is not reached by that name. Names beyond localhost are given with --allow-host.")
        if "origin" in headers and not self.own_origin(headers["origin"].lower(), scope["scheme"]):
            return Refusal(403, "Requests from other sites are refused.")
        if headers.get("sec-fetch-site", "none").lower() not in ("same-origin", "none") and not followed_link(scope, headers):
            return Refusal(403, "Requests from other sites are refused.")
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and not intended(headers):
            return Refusal(403, "A request that changes something needs the header X-Requested-With, or a body of type application/json.")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self.body_limit:
            return self.too_large()
        return None

    def own_origin(self, origin: str, scheme: str) -> bool:
        """Whether an Origin is this program. A configured name may be served with TLS by a proxy in front."""
        served, _, host = origin.partition("://")
        if host in self.loopback:
            return served == scheme.replace("ws", "http")
        return host in self.configured and served in ("http", "https")

    def too_large(self) -> Refusal:
        return Refusal(413, f"The request is larger than {self.body_limit // 2**20} MB.")

    async def metered(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on until its body is too large; then it looks as if its client had left, and the answer is 413."""
        seen, begun = 0, False

        async def counted() -> Message:
            nonlocal seen
            if seen > self.body_limit:
                return {"type": "http.disconnect"}
            message = await receive()
            seen += len(message.get("body", b""))
            return message if seen <= self.body_limit else {"type": "http.disconnect"}

        async def answered(message: Message) -> None:
            nonlocal begun
            if begun or seen <= self.body_limit:
                begun = True
                await send(message)

        try:
            await self.app(scope, counted, answered)
        except Exception:
            if begun or seen <= self.body_limit:
                raise
        if not begun and seen > self.body_limit:
            await refuse(scope, send, 413, self.too_large().reason, CLOSE)


def followed_link(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether a person followed a link from another site to the page, in a whole window."""
    navigation = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return navigation and scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/"


def intended(headers: Mapping[str, str]) -> bool:
    """Whether a request that changes something cannot come from another site; its Origin, if any, is known to be ours."""
    if "origin" in headers or headers.get("sec-fetch-site") == "same-origin" or "x-requested-with" in headers:
        return True
    if headers.get("content-type", "").partition(";")[0].strip().lower() not in SIMPLE_TYPES:
        return True
    has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    return not has_body and not any(name.startswith("sec-fetch-") for name in headers)


def hardened(scope: Scope, send: Send) -> Send:
    """`send`, with our headers on each answer and no CORS header. A route may set a policy of its own, files may not."""
    is_file = FILE_PATH.match(scope["path"]) is not None

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(name.lower(), value) for name, value in message.get("headers", [])]
            headers = [(name, value) for name, value in headers if not name.startswith(b"access-control-")]
            if is_file:
                headers = [(name, value) for name, value in headers if name != b"content-security-policy"]
            present = {name for name, _ in headers}
            policy = FILE_POLICY if is_file else PAGE_POLICY
            wanted = {**HEADERS, b"content-security-policy": policy.encode()}
            headers += [(name, value) for name, value in wanted.items() if name not in present]
            message = {**message, "headers": headers}
        await send(message)

    return sending
