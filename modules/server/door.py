"""The door: where accounts are given, nothing is answered to who has not logged in, but for a short public list."""

import base64
import html
import math
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from modules.server.accounts import SESSION_SECONDS, Accounts, Sessions, Tries
from modules.server.replies import refuse, reply

PUBLIC = frozenset({"/login", "/robots.txt", "/favicon.ico"})
API, SHARED = "/sdapi/", "/internal/"  # what the page and API clients both use is under the second

LOGIN_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
FORM_LIMIT = 4096

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Easel</title>{refresh}<style>
:root {{ color-scheme: light dark }} body {{ font: 16px system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh }}
form {{ display: grid; gap: 12px; width: min(280px, 90vw) }} label {{ display: grid; gap: 4px }}
input, button {{ font: inherit; padding: 8px }} p {{ margin: 0 }}
</style></head><body><form method="post" action="/login"><h1>Easel</h1>{message}
<label>Name <input name="name" autocomplete="username" autofocus required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button></form></body></html>"""

# A link from another site arrives without our SameSite=Strict cookie; asked for again by our own page, it has it.
REFRESH = '<meta http-equiv="refresh" content="0; url=/">'


class Door:
    """ASGI middleware. The page is entered with a session from the login page, `/sdapi/` with HTTP basic authentication.

    `shared` says that there is one list of accounts for both; then a session opens `/sdapi/` as well. `for_both` says of a path that
    it is opened by either: A1111's addresses of extensions, which its clients call. Five wrong passwords a
    minute from one address, wherever they are tried, and none is tried for the rest of it; sessions go on.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        port: int,
        page: Accounts,
        api: Accounts,
        shared: bool,
        for_both: Callable[[str], bool] = lambda path: False,
    ) -> None:
        self.app = app
        self.page = page
        self.api = api
        self.shared = shared
        self.for_both = for_both
        self.cookie = f"easel_session_{port}"  # cookies do not know ports, and two programs may run here
        self.sessions = Sessions()
        self.tries = Tries()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        token = cookies_of(headers.get("cookie", "")).get(self.cookie, "")
        path, post = scope["path"], scope.get("method") == "POST"
        if post and path == "/login":
            return await self.log_in(scope, receive, send)
        if post and path == "/logout":
            self.sessions.end(token)
            return await reply(send, 303, b"", "text/plain", {"location": "/", "set-cookie": self.set_cookie(scope, "", 0)})
        if path == "/login" and scope.get("method") in ("GET", "HEAD"):
            return await self.show(send, 200)
        by_session = self.shared or not path.startswith(API)
        if path in PUBLIC or (by_session and self.sessions.holds(token)):
            return await self.app(scope, receive, send)
        if path.startswith((API, SHARED)) or self.for_both(path):
            return await self.by_password(scope, receive, send, headers.get("authorization", ""))
        if scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            came_by_link = path == "/" and headers.get("sec-fetch-site") in ("cross-site", "same-site")
            return await self.show(send, 401, refresh=REFRESH if came_by_link else "")
        return await refuse(scope, send, 401, "Log in first.")

    async def by_password(self, scope: Scope, receive: Receive, send: Send, authorization: str) -> None:
        """Pass on a request with a right password in its Authorization header."""
        challenge = {"www-authenticate": 'Basic realm="Easel", charset="UTF-8"'}
        if not authorization:
            return await refuse(scope, send, 401, "A name and a password are needed.", challenge)
        if wait := self.tries.seconds_to_wait(address_of(scope)):
            return await refuse(scope, send, 429, "Too many wrong passwords.", {"retry-after": str(math.ceil(wait))})
        given = basic_credentials(authorization)
        if given is None or not self.api.match(*given):
            self.tries.failed(address_of(scope))
            return await refuse(scope, send, 401, "Incorrect name or password.", challenge)
        return await self.app(scope, receive, send)

    async def log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the login page's form."""
        given = await form_credentials(receive)  # before the tries are counted: many forms may be on their way at once
        if wait := self.tries.seconds_to_wait(address_of(scope)):
            seconds = math.ceil(wait)
            return await self.show(send, 429, f"Too many wrong passwords. Try again in {seconds} seconds.", retry_after=seconds)
        if given is None or not self.page.match(*given):
            self.tries.failed(address_of(scope))
            return await self.show(send, 401, "The name or the password is wrong.")
        cookie = self.set_cookie(scope, self.sessions.begin(), int(SESSION_SECONDS))
        return await reply(send, 303, b"", "text/plain", {"location": "/", "set-cookie": cookie})

    async def show(self, send: Send, status: int, message: str = "", *, refresh: str = "", retry_after: int = 0) -> None:
        """The login page."""
        paragraph = f'<p role="alert">{html.escape(message)}</p>' if message else ""
        headers = {"content-security-policy": LOGIN_POLICY, "x-frame-options": "DENY"}
        if retry_after:
            headers["retry-after"] = str(retry_after)
        body = PAGE.format(refresh=refresh, message=paragraph).encode()
        await reply(send, status, body, "text/html; charset=utf-8", headers)

    def set_cookie(self, scope: Scope, token: str, seconds: int) -> str:
        secure = "; Secure" if scope["scheme"] == "https" else ""
        return f"{self.cookie}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def address_of(scope: Scope) -> str:
    """Where a request came from; all without an address count as one."""
    return scope["client"][0] if scope.get("client") else ""


def cookies_of(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


def basic_credentials(authorization: str) -> tuple[str, str] | None:
    """Name and password of an Authorization header (RFC 7617); None if it holds none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return (name, password) if colon else None


async def form_credentials(receive: Receive) -> tuple[str, str] | None:
    """Name and password of the login form; None if the body is no such form."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > FORM_LIMIT:
            return None
    try:
        fields = parse_qs(body.decode(), max_num_fields=5)
    except ValueError:
        return None
    return (fields["name"][0], fields["password"][0]) if {"name", "password"} <= fields.keys() else None
