"""Why two pictures differ."""

from modules.history.difference import CONCLUSIONS, difference, pieces_of
from tests.history.pictures import infotext


def strengths(left: str, right: str) -> dict[str, str]:
    return {line.label: line.strength for line in difference(left, right).lines}


def test_another_seed_is_decisive_and_stands_before_what_is_not() -> None:
    found = difference(infotext(seed=1, more=", VAE: a"), infotext(seed=2, more=", VAE: b"))
    assert [(line.label, line.left, line.right, line.strength) for line in found.lines] == [
        ("Seed", "1", "2", "another"), ("VAE", "a", "b", "details")]  # fmt: skip
    assert found.conclusion == CONCLUSIONS["another"]
    assert found.same["Sampler"] == "Euler a" and "Seed" not in found.same


def test_a_model_of_another_name_and_the_same_hash_explains_nothing() -> None:
    found = difference(infotext(model="demo"), infotext(model="renamed"))
    assert [(line.label, line.strength) for line in found.lines] == [("Model", "none")]
    assert found.conclusion == CONCLUSIONS["none"]


def test_a_lora_of_the_same_name_and_another_hash_is_found() -> None:
    left, right = (infotext(more=f', Lora hashes: "style: {hash}"') for hash in ("aaaa", "bbbb"))
    assert strengths(left, right) == {"Lora hashes": "another"}


def test_another_version_alone_explains_little() -> None:
    found = difference(infotext(), infotext().replace("v1.10.1", "v1.9.0"))
    assert [line.strength for line in found.lines] == ["slight"]
    assert found.conclusion == CONCLUSIONS["slight"]


def test_random_numbers_from_elsewhere_are_decisive_and_the_usual_ones_need_not_be_said() -> None:
    assert strengths(infotext(), infotext(more=", RNG: CPU")) == {"RNG": "another"}
    assert strengths(infotext(), infotext(more=", RNG: GPU")) == {}


def test_a_size_is_one_setting() -> None:
    found = difference(infotext(), infotext().replace("64x48", "64x64"))
    assert [(line.label, line.left, line.right) for line in found.lines] == [("Size", "64x48", "64x64")]


def test_equal_settings_leave_what_the_infotext_cannot_hold() -> None:
    assert difference(infotext(), infotext()).conclusion == CONCLUSIONS["none"]
    assert difference(infotext(), infotext(), same_file=True).conclusion == CONCLUSIONS["same file"]
    assert difference(infotext(), "").conclusion == CONCLUSIONS["no settings"]


def test_prompts_are_compared_word_by_word() -> None:
    found = difference(infotext("a red castle, night"), infotext("a blue castle, night, rain"))
    assert [(piece.side, piece.text) for piece in found.prompt] == [
        ("both", "a "), ("left", "red"), ("right", "blue"), ("both", " castle, night"), ("right", ", rain")]  # fmt: skip
    both = "".join(piece.text for piece in found.prompt if piece.side != "right")
    assert both == "a red castle, night"


def test_the_same_words_in_another_order_and_other_blanks_are_told_apart() -> None:
    assert strengths(infotext("red, blue"), infotext("blue, red")) == {"Prompt": "details"}
    assert strengths(infotext("red,  blue"), infotext("red, blue")) == {"Prompt": "none"}


def test_very_long_prompts_do_not_take_long() -> None:
    left, right = (" ".join(str(number + first) for number in range(4000)) for first in (0, 1))
    assert [piece.side for piece in pieces_of(left, right)] == ["left", "right"]


def test_a_setting_of_an_extension_is_said_to_be_unknown() -> None:
    found = difference(infotext(more=", Dream mode: 1"), infotext(more=", Dream mode: 2"))
    assert (found.lines[0].strength, "not known" in found.lines[0].why) == ("details", True)
