"""What is typed into the search box and what it finds."""

from datetime import date

import pytest

from modules.contract.errors import BadRequest
from modules.history.history import History
from modules.history.query import conditions, terms
from tests.history.pictures import Place, draw, infotext, paths

DAY = 86_400
MAY = 1_714_564_800  # 2024-05-01, noon in UTC


@pytest.fixture
def history(place: Place) -> History:
    """Five pictures, the newest first: e, d, c, b, a."""
    out = place.outputs
    draw(out / "a.png", infotext("a red castle, golden hour", seed=1, model="demo"), made=MAY)
    draw(out / "b.png", infotext("(castle:1.3) by the sea <lora:style:0.8>", seed=2, model="demo-2x"), made=MAY + DAY, size=(32, 64))
    draw(out / "c.png", infotext("白い猫が眠る, 日本の城", seed=3, sampler="DPM++ 2M"), made=MAY + 40 * DAY)
    draw(out / "img2img-images" / "d.png", infotext("long_hair, blue sky", negative="castle, blurry", seed=4), made=MAY + 41 * DAY)
    draw(out / "e.png", infotext("Müller's café <lora:style2:1> <lora:other:1>", seed=18446744073709551615), made=MAY + 400 * DAY)
    history = place.history()
    history.scan()
    return history


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "edcba"),
        ("castle", "ba"),
        ("CAST", "ba"),
        ("red castle", "a"),
        ('"red castle"', "a"),
        ('"castle red"', ""),
        ('"golden hou"', ""),
        ("castle -golden", "b"),
        ("castle -\"golden hour\"", "b"),
        ("猫", "c"),
        ("眠る", "c"),
        ("本の", "c"),
        ("猫白", ""),
        ("long hair", "d"),
        ("long_hair", "d"),
        ("muller cafe", "e"),
        ("(castle:1.3)", "ba"),
        ("lora", ""),
        ("negative:blurry", "d"),
        ("-negative:castle castle", "ba"),
        ("model:demo", "edca"),
        ("model:dem", "edcba"),
        ("model:demo-2x", "b"),
        ("model:*2x", "b"),
        ("-model:demo", "b"),
        ("model:012345", "edcba"),
        ("lora:style", "b"),
        ("lora:sty", "eb"),
        ("lora:style2 lora:other", "e"),
        ("lora:style lora:other", ""),
        ("-lora:sty", "dca"),
        ("sampler:\"dpm++ 2m\"", "c"),
        ("seed:2", "b"),
        ("seed:2 seed:3", "cb"),
        ("seed:18446744073709551615", "e"),
        ("size:32x64", "b"),
        ("size:32X64 castle", "b"),
        ("width:>32", "edca"),
        ("height:<=48", "edca"),
        ("steps:20 cfg:5..8", "edcba"),
        ("steps:>20", ""),
        ("is:portrait", "b"),
        ("-is:portrait", "edca"),
        ("kind:img2img", "d"),
        ("-kind:img2img", "ecba"),
        ("date:2024-05-01", "a"),
        ("date:2024-05", "ba"),
        ("date:2024", "dcba"),
        ("date:2024-05-02..2024-06", "dcb"),
        ("date:>2024", "e"),
        ("date:<2024-05-02", "a"),
        ("-date:2024", "e"),
        ("name:a", "a"),
        ("folder:img2img", "d"),
        ("is:favourite", ""),
        ("foo:castle", ""),
        ('un"closed', ""),
        ('"', "edcba"),
        ("!!! ***", "edcba"),
        ("castle OR blue", ""),
    ],
)
def test_a_query_finds(history: History, query: str, found: str) -> None:
    assert "".join(path[-5] for path in paths(history, query)) == found


def test_what_is_not_understood_is_said_and_the_rest_counts(history: History) -> None:
    result = history.search("castle size:big date:soon kind:nope is:odd seed:x steps:a..b")
    assert len(result.ids) == 2
    assert len(result.problems) == 6
    assert "512x768" in result.problems[0]


HOSTILE = ["'; DROP TABLE pictures; --", 'model:"%_\\', "lora:'", "name:\0", "^*", 'NEAR("a" "b")', "{prompt}:a", "-" * 50, "a" * 5000]


@pytest.mark.parametrize("query", HOSTILE)
def test_no_query_breaks_the_search(history: History, query: str) -> None:
    history.search(query)
    assert len(history.search("").ids) == 5


def test_the_orders(history: History) -> None:
    assert "".join(path[-5] for path in paths(history, sort="oldest")) == "abcde"
    assert "".join(path[-5] for path in paths(history, sort="name")) == "abcde"
    assert paths(history, sort="largest")[-1] == "b.png"
    with pytest.raises(BadRequest, match="newest"):
        history.search("", sort="wild")


def test_the_days_add_up_to_the_pictures(history: History) -> None:
    result = history.search("castle")
    assert [count for _, count in result.days] == [1, 1]
    assert [day for day, _ in result.days] == sorted((day for day, _ in result.days), reverse=True)
    assert history.search("", sort="name").days == []


def test_what_there_is_to_choose_from_is_counted(history: History) -> None:
    facets = history.facets()
    assert facets["model"] == [("demo", 4), ("demo-2x", 1)]
    assert dict(facets["lora"]) == {"style": 1, "style2": 1, "other": 1}
    assert dict(facets["kind"]) == {"txt2img": 4, "img2img": 1}
    assert facets["size"][0] == ("64x48", 4)


def test_suggestions_complete_keys_values_and_words(history: History) -> None:
    assert history.suggestions("mod")[0].text == "model:"
    assert [(one.text, one.count) for one in history.suggestions("model:2")] == [("model:demo-2x", 1)]
    assert [one.text for one in history.suggestions("-sampler:dp")] == ['-sampler:"DPM++ 2M"']
    assert ("castle", 2) in [(one.text, one.count) for one in history.suggestions("cas")]
    assert [one.text for one in history.suggestions("is:fa")] == ["is:favourite"]
    assert history.suggestions("") == []


def test_words_that_mean_a_time_are_counted_from_today() -> None:
    today = date(2026, 3, 1)
    assert conditions("date:today", today=today).values == ["2026-03-01", "2026-03-01"]
    assert conditions("date:yesterday", today=today).values == ["2026-02-28", "2026-02-28"]
    assert conditions("date:week", today=today).values == ["2026-02-23", "2026-03-01"]


def test_a_query_falls_into_its_parts() -> None:
    found = [(term.key, term.value, term.minus, term.exact) for term in terms('a -b "c d" -"e f" model:"g h" -lora:i j:k')]
    assert found == [("", "a", False, False), ("", "b", True, False), ("", "c d", False, True), ("", "e f", True, True),
                     ("model", "g h", False, True), ("lora", "i", True, False), ("", "j k", False, False)]  # fmt: skip
