"""Network tags, against what A1111 answered."""

import pytest

from modules.prompts.tags import Tag, without_tags
from tests.golden import golden_json


@pytest.mark.parametrize("case", golden_json("pure/extra_networks_parse.json"), ids=lambda case: case["prompt"][:40])
def test_tags_are_taken_out_as_in_a1111(case: dict) -> None:
    prompt, tags = without_tags(case["prompt"])
    assert prompt == case["result"]
    expected = {(kind, tuple(one["positional"]), tuple(one["named"].items())) for kind, found in case["networks"].items() for one in found}
    assert {(tag.kind, tag.positional, tuple(tag.named.items())) for tag in tags} == expected


def test_an_argument_with_two_equals_signs_is_positional() -> None:
    assert without_tags("<a:b=c=d:e=>")[1] == [Tag("a", ("b=c=d",), {"e": ""})]


def test_a_tag_reaches_to_the_first_bracket_that_closes_it() -> None:
    assert without_tags("x<a:<b:c>>y") == ("x>y", [Tag("a", ("<b", "c"), {})])
