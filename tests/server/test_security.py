"""The guard: every form of Host, Origin and POST that another site can make a browser send is refused, and all of our own pass."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from modules.contract.errors import BadRequest
from modules.server.security import Guard, secure
from tests.server.raw import HOST, ORIGIN, PORT, Answer, ask

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
PATHS = ("/", "/webui/jobs", "/sdapi/v1/interrupt", "/gradio_api/upload", "/static/x.js")


class Inside:
    """An app that notes what reaches it, reads the whole body and answers 200 with a CORS header, as Gradio might."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.read = 0
        self.extra: list[tuple[bytes, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            self.reached.append(scope["path"])
            await send({"type": "websocket.accept"})
            return
        self.reached.append(f"{scope['method']} {scope['path']}")
        more = True
        while more:
            message: Message = await receive()
            self.read += len(message.get("body", b""))
            more = message.get("more_body", False)
        cors = [(b"Access-Control-Allow-Origin", b"*"), (b"access-control-allow-credentials", b"true")]
        await send({"type": "http.response.start", "status": 200, "headers": [*cors, *self.extra]})
        await send({"type": "http.response.body", "body": b"inside"})


@pytest.fixture
def inside() -> Inside:
    return Inside()


@pytest.fixture
def guard(inside: Inside) -> Guard:
    return Guard(inside, port=PORT)


def refused(answer: Answer, inside: Inside, *statuses: int) -> bool:
    return answer.status in statuses and inside.reached == [] and answer.header("access-control-allow-origin") is None


# Host.


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1:7860", "[::1]:7860", "LocalHost:7860"])
def test_loopback_names_with_our_port_are_answered(guard: Guard, host: str) -> None:
    assert ask(guard, host=host).status == 200


BAD_HOSTS = ["evil.example", "evil.example:7860", "127.0.0.1.evil.example:7860", "localhost.:7860", "localhost.evil:7860",
             "127.1:7860", "0.0.0.0:7860", "2130706433:7860", "127.0.0.1:7861", "127.0.0.1", "localhost", "", ":7860",
             "[::ffff:127.0.0.1]:7860", "[::]:7860", "[::1%25lo]:7860", "localhost:07860", "localhost:7860 evil",
             "localhost:7860,evil", "evil@localhost:7860", "localhost:7860/", "\xe4localhost:7860"]  # fmt: skip


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_any_other_host_is_refused_on_every_path_and_method(guard: Guard, inside: Inside, host: str) -> None:
    for method, path in itertools.product(METHODS, PATHS):
        assert refused(ask(guard, method, path, host=host), inside, 421), (method, path)


def test_no_host_at_all_is_refused(guard: Guard, inside: Inside) -> None:
    assert refused(ask(guard, host=None), inside, 421)


def test_two_hosts_are_refused_whichever_is_ours(guard: Guard, inside: Inside) -> None:
    assert refused(ask(guard, headers=[("host", "evil.example")]), inside, 400)
    assert refused(ask(guard, headers=[("host", HOST)], host="evil.example"), inside, 400)


def test_a_forwarded_host_neither_helps_nor_hurts(guard: Guard, inside: Inside) -> None:
    for name in ("X-Forwarded-Host", "Forwarded", "X-Host", "X-Original-Host"):
        assert refused(ask(guard, headers={name: HOST}, host="evil.example"), inside, 421)
    assert ask(guard, headers={"X-Forwarded-Host": "evil.example"}).status == 200


def test_an_address_in_absolute_form_is_refused(guard: Guard, inside: Inside) -> None:
    assert refused(ask(guard, path="http://evil.example/"), inside, 400)


def test_a_configured_name_is_answered_with_and_without_the_port(inside: Inside) -> None:
    guard = Guard(inside, port=PORT, hosts=["Studio.LAN", "192.168.1.5:8443"])
    for host in ("studio.lan", "studio.lan:7860", "192.168.1.5:8443"):
        assert ask(guard, host=host).status == 200
    for host in ("studio.lan:7861", "192.168.1.5", "192.168.1.5:7860"):
        assert ask(guard, host=host).status == 421


def test_on_the_usual_port_the_name_alone_is_enough(inside: Inside) -> None:
    assert ask(Guard(inside, port=80), host="localhost").status == 200


@pytest.mark.parametrize("host", ["*", "", "http://a", "a/b", "*.lan", "a b", "a:b", "a:123456", "-a", "a@b", "[::1"])
def test_what_is_no_name_is_refused_at_the_start(inside: Inside, host: str) -> None:
    with pytest.raises(BadRequest, match="is not the name of a host"):
        secure(inside, port=PORT, hosts=[host])


# Origin.


@pytest.mark.parametrize("origin", ["http://localhost:7860", "http://127.0.0.1:7860", "http://[::1]:7860"])
def test_our_own_origin_is_let_in(guard: Guard, origin: str) -> None:
    for method in METHODS:
        assert ask(guard, method, headers={"origin": origin}).status == 200


BAD_ORIGINS = ["null", "NULL", "https://127.0.0.1:7860", "http://127.0.0.1:7861", "http://127.0.0.1", "file://", "http://evil.example",
               "http://127.0.0.1:7860.evil.example", "http://evil127.0.0.1:7860", "http://localhost.:7860", "http://127.0.0.1:7860/",
               "http://evil@127.0.0.1:7860", "ftp://127.0.0.1:7860", "chrome-extension://abc", "", "127.0.0.1:7860", "://127.0.0.1:7860",
               "http://127.0.0.1:7860 http://evil.example", "http://127.0.0.1:7860, null"]  # fmt: skip


@pytest.mark.parametrize("origin", BAD_ORIGINS)
def test_any_other_origin_is_refused_whatever_else_it_brings(guard: Guard, inside: Inside, origin: str) -> None:
    proofs: list[dict[str, str]] = [{}, {"content-type": "application/json"}, {"x-requested-with": "x"}, {"sec-fetch-site": "same-origin"}]
    for method, path, proof in itertools.product((*METHODS, "OPTIONS"), PATHS, proofs):
        assert refused(ask(guard, method, path, {"origin": origin, **proof}), inside, 403), (method, path, proof)


def test_two_origins_are_refused_whichever_is_ours(guard: Guard, inside: Inside) -> None:
    for pair in itertools.permutations((ORIGIN, "http://evil.example")):
        assert refused(ask(guard, "POST", headers=[("origin", origin) for origin in pair]), inside, 400)
    assert refused(ask(guard, headers=[("origin", ORIGIN)] * 2), inside, 400)


def test_with_tls_the_origin_has_it_too(guard: Guard) -> None:
    assert ask(guard, "POST", headers={"origin": "https://127.0.0.1:7860"}, scheme="https").status == 200
    assert ask(guard, "POST", headers={"origin": "http://127.0.0.1:7860"}, scheme="https").status == 403


def test_a_configured_name_may_have_tls_in_front(inside: Inside) -> None:
    guard = Guard(inside, port=PORT, hosts=["studio.lan"])
    for origin in ("https://studio.lan", "http://studio.lan:7860"):
        assert ask(guard, "POST", headers={"origin": origin}, host="studio.lan").status == 200
    assert ask(guard, "POST", headers={"origin": "https://evil.lan"}, host="studio.lan").status == 403


# What browsers say of themselves.


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "", "anything"])
def test_other_sites_reach_nothing_even_without_an_origin(guard: Guard, inside: Inside, site: str) -> None:
    for method, path in itertools.product((*METHODS, "OPTIONS"), PATHS):
        for more in ({}, {"x-requested-with": "x"}, {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}):
            assert refused(ask(guard, method, path, {"sec-fetch-site": site, **more}), inside, 403), (method, path)


NAVIGATION = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def test_a_link_from_another_site_opens_the_page_and_nothing_else(guard: Guard, inside: Inside) -> None:
    assert ask(guard, path="/?__theme=dark", headers=NAVIGATION).status == 200
    inside.reached.clear()
    for path in PATHS[1:]:
        assert refused(ask(guard, path=path, headers=NAVIGATION), inside, 403)
    for change in ({"sec-fetch-dest": "iframe"}, {"sec-fetch-mode": "no-cors"}, {"sec-fetch-dest": "embed"}):
        assert refused(ask(guard, headers={**NAVIGATION, **change}), inside, 403)
    assert refused(ask(guard, "POST", headers=NAVIGATION), inside, 403)
    assert refused(ask(guard, "HEAD", headers=NAVIGATION), inside, 403)


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_page_itself_and_the_address_bar_reach_everything(guard: Guard, site: str) -> None:
    for path in PATHS:
        assert ask(guard, path=path, headers={"sec-fetch-site": site}).status == 200


# Requests that change something.

BODY = [b"x" * 10]
SIMPLE = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "text/plain; application/json",
          "TEXT/PLAIN;charset=utf-8", " multipart/form-data", ""]  # fmt: skip


def typed(kind: str) -> dict[str, str]:
    return {"content-type": kind, "content-length": "10"}


@pytest.mark.parametrize("kind", SIMPLE)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_form_that_proves_nothing_is_refused(guard: Guard, inside: Inside, method: str, kind: str) -> None:
    for path in PATHS:
        assert refused(ask(guard, method, path, typed(kind), chunks=BODY), inside, 403)
        chunked = {"content-type": kind, "transfer-encoding": "chunked"}
        assert refused(ask(guard, method, path, chunked, chunks=BODY), inside, 403)
        assert refused(ask(guard, method, path, {**typed(kind), "sec-fetch-site": "none"}, chunks=BODY), inside, 403)


@pytest.mark.parametrize("proof", [{"origin": ORIGIN}, {"sec-fetch-site": "same-origin"}, {"x-requested-with": "XMLHttpRequest"}])
@pytest.mark.parametrize("kind", SIMPLE)
def test_a_form_of_our_own_page_or_of_a_script_that_says_so_passes(guard: Guard, kind: str, proof: dict[str, str]) -> None:
    assert ask(guard, "POST", "/gradio_api/upload", {**typed(kind), **proof}, chunks=BODY).status == 200


def test_json_passes_since_other_sites_must_ask_before_they_send_it(guard: Guard) -> None:
    for kind in ("application/json", "application/json; charset=utf-8", "image/png", "application/octet-stream"):
        assert ask(guard, "POST", "/sdapi/v1/txt2img", typed(kind), chunks=BODY).status == 200


def test_two_content_types_are_refused(guard: Guard, inside: Inside) -> None:
    headers = [("content-type", "text/plain"), ("content-type", "application/json"), ("content-length", "10")]
    assert refused(ask(guard, "POST", headers=headers, chunks=BODY), inside, 400)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-length": "0", "user-agent": "python-requests/2.32", "accept": "*/*"},  # requests.post(url)
        {"user-agent": "curl/8"},  # curl -X POST
        {"content-length": "0", "content-type": "application/x-www-form-urlencoded"},  # curl -d ''
        {"content-length": "2", "content-type": "application/json"},  # requests.post(url, json={})
    ],
)
def test_the_ways_in_which_scripts_interrupt_all_pass(guard: Guard, headers: dict[str, str]) -> None:
    assert ask(guard, "POST", "/sdapi/v1/interrupt", headers).status == 200


def test_a_browser_without_an_origin_may_not_post_even_nothing(guard: Guard, inside: Inside) -> None:
    for more in ({"sec-fetch-site": "none"}, {"sec-fetch-mode": "navigate"}, {"sec-fetch-dest": "document"}):
        assert refused(ask(guard, "POST", "/sdapi/v1/interrupt", more), inside, 403)


def cross_site_requests() -> st.SearchStrategy[tuple[str, dict[str, str]]]:
    """What a page of another site can make a browser send: it always names a foreign origin, or says cross-site, or both."""
    says = st.sampled_from([{"origin": "null"}, {"origin": "http://evil.example"}, {"origin": "http://127.0.0.1:9"}, {}])
    site = st.sampled_from([{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {}])
    kind = st.sampled_from([{"content-type": kind} for kind in SIMPLE] + [{}])
    size = st.sampled_from([{"content-length": "0"}, {"content-length": "10"}, {"transfer-encoding": "chunked"}, {}])
    mode = st.sampled_from([{"sec-fetch-mode": mode, "sec-fetch-dest": "iframe"} for mode in ("navigate", "no-cors", "cors")] + [{}])
    parts = st.tuples(says, site, kind, size, mode).filter(lambda parts: bool(parts[0] or parts[1]))
    merged = parts.map(lambda parts: {name: value for part in parts for name, value in part.items()})
    return st.tuples(st.sampled_from(["GET", "POST", "HEAD"]), merged)


@settings(max_examples=300, deadline=None)
@given(cross_site_requests(), st.sampled_from(PATHS))
def test_nothing_that_another_site_can_send_reaches_the_app(request: tuple[str, dict[str, str]], path: str) -> None:
    inside = Inside()
    method, headers = request
    assert refused(ask(Guard(inside, port=PORT), method, path, headers, chunks=BODY), inside, 403)


# WebSockets.


def test_websockets_are_guarded_alike(guard: Guard, inside: Inside) -> None:
    for headers, host in (({"origin": "http://evil.example"}, HOST), ({"origin": "null"}, HOST), ({}, "evil.example")):
        answer = ask(guard, path="/socket", headers=headers, host=host, kind="websocket", scheme="ws")
        assert answer.messages == ["websocket.close"] and inside.reached == []
    assert ask(guard, path="/socket", headers={"origin": ORIGIN}, kind="websocket", scheme="ws").messages == ["websocket.accept"]


# Size.

JSON = {"content-type": "application/json"}


def test_a_body_that_says_it_is_too_large_is_not_read(inside: Inside) -> None:
    guard = Guard(inside, port=PORT, body_limit=1000)
    answer = ask(guard, "POST", headers={**JSON, "content-length": "1001"}, chunks=[b"x" * 1001])
    assert refused(answer, inside, 413)


@pytest.mark.parametrize("said", [{}, {"content-length": "5"}, {"transfer-encoding": "chunked"}])
def test_a_body_is_counted_whatever_it_says(inside: Inside, said: dict[str, str]) -> None:
    guard = Guard(inside, port=PORT, body_limit=1000)

    def endless() -> Iterable[bytes]:
        while True:
            yield b"x" * 100

    answer = ask(guard, "POST", headers={**JSON, **said}, chunks=endless())
    assert answer.status == 413
    assert answer.messages == ["http.response.start", "http.response.body"]
    assert inside.read == 1000
    assert answer.header("x-content-type-options") == "nosniff"


def test_an_app_that_fails_over_the_cut_body_still_gives_413(inside: Inside) -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] == "http.request":
            pass
        raise RuntimeError("the client left")

    assert ask(Guard(fails, port=PORT, body_limit=10), "POST", headers=JSON, chunks=[b"x" * 11]).status == 413
    with pytest.raises(RuntimeError):
        ask(Guard(fails, port=PORT, body_limit=10), "POST", headers=JSON, chunks=[b"x" * 10])


def test_a_body_of_exactly_the_limit_passes(inside: Inside) -> None:
    guard = Guard(inside, port=PORT, body_limit=1000)
    assert ask(guard, "POST", headers={**JSON, "content-length": "1000"}, chunks=[b"x" * 500] * 2).status == 200
    assert inside.read == 1000


# Answers.


def test_every_answer_forbids_what_the_page_does_not_need(guard: Guard) -> None:
    for answer in (ask(guard), ask(guard, host="evil.example")):
        policy = answer.header("content-security-policy")
        assert policy is not None and policy.startswith("default-src 'self'") and "http:" not in policy and "*" not in policy
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("x-frame-options") == "SAMEORIGIN"
        assert answer.header("referrer-policy") == "same-origin"
        assert answer.header("cross-origin-resource-policy") == "same-origin"


def test_no_cors_header_leaves(guard: Guard) -> None:
    for headers in ({}, {"origin": ORIGIN}):
        assert [name for name, _ in ask(guard, headers=headers).headers if name.startswith("access-control")] == []


@pytest.mark.parametrize("path", ["/gradio_api/file=/x/evil.html", "/gradio_api/file/x", "/file=x", "//gradio_api//file=x"])
def test_files_of_others_run_no_script(guard: Guard, inside: Inside, path: str) -> None:
    inside.extra = [(b"Content-Security-Policy", b"default-src *")]
    answer = ask(guard, path=path)
    assert [value for name, value in answer.headers if name == "content-security-policy"] == ["sandbox; default-src 'none'; img-src 'self'"]


def test_a_route_may_be_stricter_by_itself(guard: Guard, inside: Inside) -> None:
    inside.extra = [(b"content-security-policy", b"default-src 'none'")]
    assert [value for name, value in ask(guard).headers if name == "content-security-policy"] == ["default-src 'none'"]
