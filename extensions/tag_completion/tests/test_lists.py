"""Tag lists: every form of file is told apart, put together, filtered, and packed; uses are counted within bounds."""

import gzip
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from extensions.tag_completion import TagCompletion
from extensions.tag_completion.desk import Desk, variants
from extensions.tag_completion.general import filled, general_tags
from extensions.tag_completion.lists import TagBook, kind_of
from extensions.tag_completion.usage import DAY, Bounds, Usage
from modules.contract.errors import BadRequest
from modules.plugins import Host
from modules.prompts.tag_rule import TAG_RULE, TagRule

DANBOORU = '1girl,0,6008644,"1girls,sole_female"\nblue_eyes,0,1748755,blue_eye\nsome_(flower),4,120,\nbroken line\n'
RULE = TagRule(never=("zorp",), young=("sapling",), explicit=("thorn",))


def desk_of(folder: Path, **settings: Any) -> Desk:
    folders = SimpleNamespace(data=folder, models=folder / "models")
    program = SimpleNamespace(folders=folders, choices=lambda kind: ["None", "Ink"], models=lambda kind: [])
    host = Host("tag_completion", Path(__file__).parents[1], cast("Any", program), lambda: TagCompletion.Settings(**settings))
    return Desk(host)


def rows_of(desk: Desk) -> dict[str, list[str]]:
    _, data = desk.listed()
    rows = [line.split("\t") for line in gzip.decompress(data).decode().splitlines()]
    return {row[0]: row for row in rows}


def test_a_list_as_a1111_has_it_is_read_as_it_is(tmp_path: Path) -> None:
    desk = desk_of(tmp_path)
    (desk.folder / "danbooru.csv").write_text(DANBOORU, "utf8")
    rows = rows_of(desk)
    assert rows["1girl"][1:4] == ["0", "6008644", "one_girl|single_girl|1girls|sole_female"] and rows["1girl"][6] == "6008644"
    assert rows["some_(flower)"][1] == "4"
    assert rows["blue_hair"][6] == "", "nobody has counted the tags of the list that comes along"
    assert next(iter(rows)) == "1girl", "the most used first"


@pytest.mark.parametrize("text", ["1girl,少女\nsolo,単独", "1girl,0,少女\nsolo,0,単独"])
def test_translations_of_both_forms_are_told_from_tags(tmp_path: Path, text: str) -> None:
    desk = desk_of(tmp_path)
    (desk.folder / "a.csv").write_text(text, "utf8")
    rows = rows_of(desk)
    assert rows["1girl"][4].split("|")[0] == "少女" and rows["solo"][4].split("|")[0] == "単独"
    assert desk.sources[1].kind == "translation" and desk.sources[1].rows == 2


def test_chinese_names_come_with_the_initials_of_their_pinyin_and_in_the_ways_people_write_them(tmp_path: Path) -> None:
    row = rows_of(desk_of(tmp_path))["blue_hair"]
    assert {"蓝发", "蓝色头发", "蓝色的头发", "青い髪"} <= set(row[4].split("|")) and "lf" in row[5].split("|")


def test_the_list_that_comes_along_is_large_and_harmless() -> None:
    tags = general_tags()
    assert len(tags) > 4000 and len({name for name, *_ in tags}) == len(tags)
    assert all(TAG_RULE.allows(name, aliases) for name, _, _, aliases in tags)
    assert not [name for name, *_ in tags if any(sign in name for sign in "{}|=\t")]


def test_braces_are_filled_in_every_combination() -> None:
    assert filled("{red|blue} {hat|cap}") == ["red hat", "red cap", "blue hat", "blue cap"]


def test_lists_are_filtered_and_say_how_much_was_left_out(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('oak,0,9,\nzorp,0,8,\nthorn,0,7,\nlime,0,6,"zorp"\nsapling_thorn,0,5,\n', "utf8")
    for explicit, left in ((False, {"oak"}), (True, {"oak", "thorn"})):
        book = TagBook(RULE, explicit=explicit)
        book.read(path)
        assert set(book.tags) == left and book.sources[0].left_out == 5 - len(left)


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_there(tmp_path: Path) -> None:
    desk = desk_of(tmp_path)
    (desk.folder / "bad.csv").write_bytes(b"\xff\xfe\x00broken")
    (desk.folder / "chants.json").write_text("[{", "utf8")
    found = desk.overview()
    assert [source["name"] for source in found["sources"] if source["problem"]] == ["bad.csv", "chants.json"] and found["tags"] > 4000


def test_the_list_is_read_again_only_when_something_changed(tmp_path: Path) -> None:
    desk = desk_of(tmp_path)
    stamp, data = desk.listed()
    assert data and desk.listed(stamp) == (stamp, b"")
    (desk.folder / "own.csv").write_text("my_tag,0,5,\n", "utf8")
    assert desk.listed(stamp)[0] != stamp and "my_tag" in rows_of(desk)


def test_wildcards_styles_and_chants_are_named(tmp_path: Path) -> None:
    (tmp_path / "wildcards" / "people").mkdir(parents=True)
    (tmp_path / "wildcards" / "people" / "jobs.txt").write_text("baker\n", "utf8")
    desk = desk_of(tmp_path)
    state = desk.state()
    assert "people/jobs" in state["wildcards"] and state["styles"] == ["Ink"] and desk.wildcard("people/jobs") == "baker\n"
    assert any(chant["name"] == "Landscape" for chant in state["chants"]) and "藍蓝" in state["pairs"]


def test_uses_are_counted_forgotten_and_kept_within_bounds(tmp_path: Path) -> None:
    usage = Usage(tmp_path / "frequency.json", Bounds(least=2, days=30, most=3))
    for name in ("a", "b", "c", "d", "d"):
        usage.add(name, negative=name == "b")
    assert set(usage.read()) == {"b", "c", "d"} and usage.weights() == {"d": 21.0} and usage.read()["b"]["negative"] == 1
    usage.forget("d")
    assert set(usage.read()) == {"b", "c"}
    old = {"b": {"uses": 9, "negative": 0, "last": time.time() - 31 * DAY}, "bad": 3}
    (tmp_path / "frequency.json").write_text(json.dumps(old), "utf8")
    assert usage.read() == {}
    with pytest.raises(BadRequest, match="must have 1 to 300"):
        desk_of(tmp_path).count("", negative=False)


def test_kinds_and_variants() -> None:
    assert kind_of([["1girl", "0", "5", "x"]]) == "tags" and kind_of([["solo", "5"]]) == "tags"
    assert kind_of([["solo", "单人"]]) == "translation"
    assert variants("绿裙子") == ["绿色裙子", "绿色的裙子", "绿裙", "绿色裙"] and variants("微笑") == []


def test_the_routes_answer_under_our_names_and_the_original_s(tmp_path: Path) -> None:
    desk = desk_of(tmp_path)
    app, own, old = FastAPI(), APIRouter(prefix="/own"), APIRouter()
    TagCompletion.routes(own, desk.host)
    TagCompletion.old_routes(old, desk.host)
    app.include_router(own)
    app.include_router(old)
    client = TestClient(app)
    answer = client.get("/own/tags")
    assert "1girl\t0\t" in answer.text and client.get("/own/tags", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    client.post("/own/used", json={"name": "solo", "negative": True})
    client.post("/tacapi/v1/increase-use-count?tagname=solo&ttype=0&neg=false")
    assert client.get("/tacapi/v1/get-all-use-counts").json() == [["solo", 0, 1, 1]]
    assert client.get("/tacapi/v1/get-use-count?tagname=solo&neg=true").json() == 1
    client.put("/tacapi/v1/reset-use-count?tagname=solo")
    assert client.get("/own/lists").json()["used"] == []
