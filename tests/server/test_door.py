"""The door: with accounts, exactly the public list answers without logging in."""

import base64
from urllib.parse import urlencode

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from modules.server.security import secure
from tests.server.raw import HOST, ORIGIN, PORT, Answer, ask

PATHS = ["/", "/index.html", "/webui/jobs", "/webui/events", "/webui/picture", "/sdapi/v1/txt2img", "/sdapi/v1/options",
         "/internal/progress", "/config", "/theme.css", "/docs", "/openapi.json", "/gradio_api/queue/join", "/gradio_api/upload",
         "/gradio_api/file=x", "/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/heartbeat/x", "/gradio_api/stream/x",
         "/gradio_api/app_id", "/gradio_api/custom_component/x", "/static/x.js", "/assets/x.js", "/logout", "/login/", "//login",
         "/Login", "/login;x", "/login/x", "/robots.txt/", "/favicon.ico/x", "/%6cogin", "/sdapi", "/SDAPI/v1/options",
         "//sdapi/v1/options", "/sdapi/../webui/jobs"]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]
PAGE, API = {"anna": "red"}, {"bot": "blue"}


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


def site(page: dict[str, str] | None = None, api: dict[str, str] | None = None) -> ASGIApp:
    return secure(inside, port=PORT, page_accounts=page, api_accounts=api)


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def form(app: ASGIApp, name: str, password: str, client: str = "127.0.0.1") -> Answer:
    body = urlencode({"name": name, "password": password}).encode()
    headers = {"origin": ORIGIN, "content-type": "application/x-www-form-urlencoded", "content-length": str(len(body))}
    return ask(app, "POST", "/login", headers, chunks=[body[:3], body[3:]], client=client)


def logged_in(app: ASGIApp, name: str, password: str) -> dict[str, str]:
    cookie = form(app, name, password).header("set-cookie")
    assert cookie is not None
    return {"cookie": cookie.partition(";")[0]}


SITES = [(PAGE, None), (None, API), (PAGE, API), (PAGE, PAGE)]
WRONG = [{}, {"cookie": f"easel_session_{PORT}=wrong"}, {"cookie": "easel_session_7861=x; garbage; =;\x01"}, {"authorization": "Bearer x"},
         {"authorization": "Basic"}, {"authorization": "Basic !!!"}, {"authorization": "Basic YW5uYQ=="}, basic("anna", "blue"),
         basic("", ""), {"x-requested-with": "x"}]  # fmt: skip


def test_without_accounts_all_is_open() -> None:
    for path in PATHS:
        assert ask(site(), path=path).body == b"inside"


@pytest.mark.parametrize(("page", "api"), SITES)
@pytest.mark.parametrize("headers", WRONG)
def test_nothing_answers_to_who_has_not_logged_in(page: dict[str, str] | None, api: dict[str, str] | None, headers: dict[str, str]) -> None:
    for method in METHODS:
        app = site(page, api)  # a new one each time, or the wrong tries would be too many
        for number, path in enumerate(PATHS):
            json = {"content-type": "application/json"} if method not in ("GET", "HEAD", "OPTIONS") else {}
            answer = ask(app, method, path, {**headers, **json}, client=f"10.0.0.{number}")
            if (method, path) != ("POST", "/logout"):
                assert answer.status == 401, (method, path)
            assert b"inside" not in answer.body


@pytest.mark.parametrize("path", ["/?token=red", "/webui/jobs?password=red&name=anna", "/sdapi/v1/options?api_key=blue", "/?__sign=x"])
def test_a_password_in_the_address_is_not_looked_at(path: str) -> None:
    assert ask(site(PAGE, API), path=path).status == 401


def test_the_public_list_answers_to_all() -> None:
    app = site(PAGE)
    assert ask(app, path="/robots.txt").body == ask(app, path="/favicon.ico").body == b"inside"
    answer = ask(app, path="/login")
    assert answer.status == 200 and b'type="password"' in answer.body


@pytest.mark.parametrize(("page", "api"), SITES)
def test_a_session_opens_the_page_and_with_one_list_the_api_too(page: dict[str, str] | None, api: dict[str, str] | None) -> None:
    app = site(page, api)
    name, password = next(iter((page or api or {}).items()))
    session = logged_in(app, name, password)
    for path in PATHS:
        if not path.startswith("/sdapi/"):
            assert ask(app, path=path, headers=session).body == b"inside", path
    separate = page is not None and api is not None
    assert ask(app, path="/sdapi/v1/options", headers=session).status == (401 if separate else 200)


def test_each_api_password_opens_the_api_and_only_that() -> None:
    for page, api, good in ((PAGE, None, basic("anna", "red")), (None, API, basic("bot", "blue")), (PAGE, API, basic("bot", "blue"))):
        app = site(page, api)
        assert ask(app, path="/sdapi/v1/options", headers=good).body == b"inside"
        assert ask(app, path="/internal/progress", headers=good).body == b"inside"
        assert ask(app, path="/webui/jobs", headers=good).status == 401
        assert ask(app, path="/", headers=good).status == 401


def test_the_pages_password_does_not_open_an_api_with_its_own() -> None:
    assert ask(site(PAGE, API), path="/sdapi/v1/options", headers=basic("anna", "red")).status == 401


def test_the_api_asks_for_basic_authentication_and_the_page_does_not() -> None:
    app = site(PAGE)
    challenge = ask(app, path="/sdapi/v1/options").header("www-authenticate")
    assert challenge is not None and challenge.startswith("Basic")
    assert ask(app, path="/webui/jobs").header("www-authenticate") is None  # browsers would remember what they are told then


def test_websockets_need_a_session() -> None:
    app = site(PAGE)
    headers = {"origin": ORIGIN}
    assert ask(app, path="/socket", headers=headers, kind="websocket", scheme="ws").messages == ["websocket.close"]
    session = logged_in(app, "anna", "red")
    assert ask(app, path="/socket", headers={**headers, **session}, kind="websocket", scheme="ws").messages == ["websocket.accept"]


def test_a_browser_gets_the_login_page_and_a_program_an_error() -> None:
    app = site(PAGE)
    page = ask(app, headers={"accept": "text/html,*/*"})
    assert page.status == 401 and b"<form" in page.body and b"http-equiv" not in page.body
    policy = page.header("content-security-policy")
    assert policy is not None and policy.startswith("default-src 'none'")
    assert b"http://" not in page.body and b"https://" not in page.body and b"<script" not in page.body
    assert b'"detail": "Log in first."' in ask(app, headers={"accept": "application/json"}).body


def test_a_link_from_another_site_makes_the_page_ask_again_with_the_cookie() -> None:
    link = {"accept": "text/html", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert b'http-equiv="refresh"' in ask(site(PAGE), headers=link).body


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    app = site(PAGE)
    answer = form(app, "anna", "red")
    assert (answer.status, answer.header("location")) == (303, "/")
    cookie = answer.header("set-cookie")
    assert cookie is not None and "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    body = urlencode({"name": "anna", "password": "red"}).encode()
    headers = {"origin": f"https://{HOST}", "content-type": "application/x-www-form-urlencoded"}
    over_tls = ask(app, "POST", "/login", headers, chunks=[body], scheme="https").header("set-cookie")
    assert over_tls is not None and over_tls.endswith("; Secure")


def test_logging_out_ends_the_session() -> None:
    app = site(PAGE)
    session = logged_in(app, "anna", "red")
    assert ask(app, "POST", "/logout", session).status == 303
    assert ask(app, path="/webui/jobs", headers=session).status == 401


def test_a_session_of_another_server_is_none() -> None:
    session = logged_in(site(PAGE), "anna", "red")
    assert ask(site(PAGE), path="/webui/jobs", headers=session).status == 401


@pytest.mark.parametrize(
    "body", [b"", b"name=anna", b"name=anna&password=", b"password=red", b"\xff\xfe", b"a&" * 100, b"name=anna&password=r" + b"e" * 9999]
)
def test_a_form_that_is_none_is_a_wrong_password(body: bytes) -> None:
    headers = {"origin": ORIGIN, "content-type": "application/x-www-form-urlencoded"}
    answer = ask(site(PAGE), "POST", "/login", headers, chunks=[body])
    assert answer.status == 401 and answer.header("set-cookie") is None


def test_wrong_passwords_are_limited_on_the_page_and_the_api_together() -> None:
    app = site(PAGE)
    session = logged_in(app, "anna", "red")
    for _ in range(3):
        assert form(app, "anna", "wrong").status == 401
    for _ in range(2):
        assert ask(app, path="/sdapi/v1/options", headers=basic("anna", "wrong")).status == 401
    answer = form(app, "anna", "red")
    assert answer.status == 429 and int(answer.header("retry-after") or 0) in range(1, 61)
    answer = ask(app, path="/sdapi/v1/options", headers=basic("anna", "red"))
    assert answer.status == 429 and int(answer.header("retry-after") or 0) in range(1, 61)
    assert form(app, "anna", "red", client="10.0.0.9").status == 303  # another address is not held up
    assert ask(app, path="/webui/jobs", headers=session).status == 200  # nor is who is in
