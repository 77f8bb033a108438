"""The templates' grammar, lots and combinations, wildcard files and the page's routes."""

from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from extensions.dynamic_prompts.drawing import Budget, all_of, drawn
from extensions.dynamic_prompts.grammar import is_template
from extensions.dynamic_prompts.routes import add_routes
from extensions.dynamic_prompts.wildcards import Shelf, Wildcards
from modules.contract.errors import BadRequest, NotFound

NONE = Wildcards(())


def everything(template: str, wildcards: Wildcards = NONE, most: int = 100) -> list[str]:
    return all_of(template, wildcards, Budget(), most)


def lots(template: str, wildcards: Wildcards = NONE, count: int = 60) -> list[str]:
    return [drawn(template, wildcards, seed, Budget()) for seed in range(count)]


@pytest.fixture
def wildcards(tmp_path: Path) -> Wildcards:
    """Files of all kinds."""
    files = {
        "colour.txt": "# colours\nred\n\nblue\n",
        "heavy.txt": "9::iron\n1::lead\n",
        "clothes/hats.txt": "a {red|blue} hat\n__clothes/ribbon__ hat",
        "clothes/ribbon.txt": "silk",
        "round.txt": "__round__",
        "given.txt": "${shade:dark} rose",
        "animals.yaml": "animals:\n  birds: [owl, crow]\n  fish: [koi]\n",
        "moods.json": '{"good": ["happy", "calm"], "deep": {"night": ["sad"]}}',
        "broken.json": "{",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf8")
    return Wildcards((tmp_path,))


@pytest.mark.parametrize(
    ("template", "prompts"),
    [
        ("a {red|blue} star", ["a red star", "a blue star"]),
        ("{a|b}{c|d}", ["ac", "ad", "bc", "bd"]),
        ("{2$$a|b|c}", ["a,b", "a,c", "b,c"]),
        ("{1-2$$ and $$a|b}", ["a", "b", "a and b"]),
        ("{-1$$a|b}", ["", "a", "b"]),
        ("{2-$$, $$a|b|c}", ["a, b", "a, c", "b, c", "a, b, c"]),
        ("{a|{b|c}}", ["a", "b", "c"]),
        ("{0.5::a|0::b|c}", ["a", "c"]),
        ("{a|}", ["a", ""]),
        ("{a|a}", ["a"]),
        ("${x={a|b}}${x} ${x}", ["a a", "a b", "b a", "b b"]),
        ("${x=!{a|b}}${x} ${x}", ["a a", "b b"]),
        ("${y:none}", ["none"]),
        ("# all of it\n{a|b}/* not */", ["a", "b"]),
        ("\\{a\\|b\\} {c|d}", ["{a|b} c", "{a|b} d"]),
        ("[a|b] (c:1.2) [d:e:0.5] <lora:x:1> {f|g} \\(h\\)", [f"[a|b] (c:1.2) [d:e:0.5] <lora:x:1> {one} \\(h\\)" for one in "fg"]),
    ],
)
def test_all_combinations_in_order_and_the_lots_are_among_them(template: str, prompts: list[str]) -> None:
    assert everything(template) == prompts
    assert {"".join(sorted(one)) for one in lots(template)} <= {"".join(sorted(one)) for one in prompts}  # lots of several are in any order


def test_one_seed_gives_one_prompt_and_others_differ() -> None:
    template = "{a|b|c} {d|e|f} {2$$g|h|i}"
    assert lots(template) == lots(template)
    assert len(set(lots(template))) > 15


def test_weights_count() -> None:
    found = lots("{9::a|b}", count=400)
    assert 330 < found.count("a") < 390


def test_no_option_is_drawn_twice() -> None:
    assert all(len(set(one.split(","))) == 3 for one in lots("{3$$a|b|c|d}"))


def test_wildcards_of_all_kinds(wildcards: Wildcards) -> None:
    assert everything("a __colour__ star", wildcards) == ["a red star", "a blue star"]
    assert everything("__clothes/*__", wildcards) == ["a red hat", "a blue hat", "silk hat", "silk"]
    assert everything("__animals/birds__ __animals/fish__", wildcards) == ["owl koi", "crow koi"]
    assert everything("__moods/good__ __deep/night__", wildcards) == ["happy sad", "calm sad"]
    assert everything("__**/hats__", wildcards)[-1] == "silk hat" and everything("__COLOUR__", wildcards)[0] == "red"
    assert everything("__given__", wildcards) == ["dark rose"] and everything("__given(shade={red|pale})__", wildcards) == [
        "red rose",
        "pale rose",
    ]
    assert lots("__heavy__", wildcards, 200).count("iron") > 150
    assert any("broken.json" in problem for problem in wildcards.problems)


def test_what_is_missing_stays_and_is_noted(wildcards: Wildcards) -> None:
    budget = Budget()
    assert drawn("__color__ {a|a}", wildcards, 1, budget) == "__color__ a" and list(budget.missing) == ["color"]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{a|b", "never closed"),
        ("${x}", "has no value"),
        ("{0::a|0::b}", "weights"),
        ("{3-1$$a|b}", "smaller number"),
        ("{" * 60, "40 brackets"),
        ("__round__", "circle"),
        ("${x={a|${x}}}${x} {b|c}", "circle"),
        ("x" * 60_000 + "{a|b}", "50000"),
    ],
)
def test_what_cannot_be_drawn_is_said(template: str, said: str, wildcards: Wildcards) -> None:
    with pytest.raises(BadRequest, match=said):
        everything(template, wildcards)


@pytest.mark.parametrize("template", ["{a|b}" * 5000, "{a|b|c|d|e|f}" * 40, "{{{{{{{{{{a|b}|c}|d}|e}|f}|g}|h}|i}|j}|k}" * 300])
def test_no_template_goes_on_for_ever(template: str) -> None:
    assert len(drawn(template, NONE, 1, Budget())) > 10
    try:
        assert len(everything(template, most=1000)) == 1000
    except BadRequest as error:
        assert "too" in str(error)


def test_plain_prompts_are_no_templates() -> None:
    assert not any(map(is_template, ["a red star", "[a|b] (c:1.2)", "snake_case __init", "a $ b", "# comment", "}|"]))


def test_files_are_found_once_and_none_outside(wildcards: Wildcards, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.txt"
    outside.write_text("secret", "utf8")
    (wildcards.folders[0] / "link.txt").symlink_to(outside)
    assert "link" not in dict(wildcards.files()) and "colour" in dict(wildcards.files())


@pytest.mark.parametrize(
    "name", ["../a.txt", "/etc/passwd", "a.py", ".hidden.txt", "x/../../a.txt", "a{b.txt", "a.txt/", "", "con\\a.txt", ".x/a.txt"]
)
def test_no_file_leads_out_of_its_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        Shelf(tmp_path).path(name)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    router, app = APIRouter(), FastAPI()
    add_routes(router, (tmp_path / "mine", tmp_path / "models"))
    app.include_router(router)

    @app.exception_handler(BadRequest)
    @app.exception_handler(NotFound)
    def said(request: object, error: BadRequest) -> object:
        del request
        from fastapi.responses import JSONResponse

        return JSONResponse({"detail": str(error)}, error.status)

    return TestClient(app)


def test_a_file_is_written_read_changed_and_put_aside(client: TestClient, tmp_path: Path) -> None:
    assert client.post("/file", json={"name": "颜色/红.txt", "text": "a\n{b|c}"}).status_code == 200
    assert (tmp_path / "mine" / "颜色" / "红.txt").read_text("utf8") == "a\n{b|c}"
    assert client.get("/file", params={"name": "颜色/红.txt"}).json() == {"name": "颜色/红.txt", "text": "a\n{b|c}", "editable": True}
    assert "already" in client.post("/file", json={"name": "颜色/红.txt", "text": "x"}).json()["detail"]
    assert "has changed" in client.post("/file", json={"name": "颜色/红.txt", "text": "x", "before": "other"}).json()["detail"]
    assert "never closed" in client.post("/file", json={"name": "颜色/红.txt", "text": "{x", "before": "a\n{b|c}"}).json()["detail"]
    assert client.post("/file", json={"name": "颜色/红.txt", "text": "d", "before": "a\n{b|c}"}).status_code == 200
    assert client.get("/wildcards").json()["lists"] == [{"name": "颜色/红", "lines": 1}]
    assert client.delete("/file", params={"name": "颜色/红.txt"}).status_code == 200
    assert (tmp_path / "mine" / "颜色" / "红.txt.bak").exists() and client.get("/file", params={"name": "颜色/红.txt"}).status_code == 404


def test_examples_say_what_a_template_can_become(client: TestClient) -> None:
    answer = client.post("/examples", json={"template": "{a|b} __c__"}).json()
    assert answer["combinations"] == 2 and len(answer["examples"]) == 5 and answer["missing"] == ["c"] and not answer["more"]
    assert client.post("/examples", json={"template": "plain"}).json()["template"] is False
