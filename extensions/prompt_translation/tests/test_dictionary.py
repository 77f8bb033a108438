"""Prompts in seven languages against the English that the demo checkpoint was trained with, and all that must survive a translation."""

import itertools
import re
from pathlib import Path

import pytest

from extensions.prompt_translation.cedict import gloss
from extensions.prompt_translation.dictionary import Translation, language_of, translate
from modules.demo import captions, figures, palette, scenes

FOLDER = Path(__file__).parent
CHINESE = [tuple(line.split("\t")) for line in (FOLDER / "chinese.tsv").read_text("utf8").splitlines()]
OTHERS = [tuple(line.split("\t")) for line in (FOLDER / "languages.tsv").read_text("utf8").splitlines()]


def choice(*texts: str) -> str:
    return f"(?:{'|'.join(map(re.escape, texts))})"


def trained_caption() -> re.Pattern[str]:
    """What a caption of modules/demo can be, quality words and all."""
    thing = choice(*figures.NAMES, *(captions.PLURALS.get(name, f"{name}s") for name in figures.NAMES))
    article, number = choice("a ", "an ", "the "), choice("two ", "three ")
    subject = rf"(?:{article}|{number})?(?:{choice('small', 'large', 'little', 'big')} )?(?:outlined )?{choice(*palette.NAMES)} {thing}"
    beside = choice(*itertools.chain.from_iterable(captions.BESIDE.values()))
    where = choice(*itertools.chain.from_iterable(captions.WHERE.values()))
    landscape = choice(*itertools.chain.from_iterable(captions.BEHIND.values()))
    colour = rf"(?:on|with|in front of|against) {choice('a ', 'an ', '')}(?:plain )?{choice(*palette.NAMES)}(?: background)?"
    behind = rf"(?:{landscape}|{colour}|(?:plain )?{choice(*palette.NAMES, *scenes.LANDSCAPES, 'night sky')} background)"
    quality = choice(*captions.QUALITY)
    said = rf"{choice(*captions.OPENINGS, '')}{subject}(?: {beside} {subject})?(?: {where})?,? {behind}(?: {where})?"
    return re.compile(rf"(?:{quality}, )*{said}(?:, {quality})*")


def test_there_are_a_hundred_chinese_prompts_and_twenty_of_each_other_language() -> None:
    assert len(CHINESE) == len(set(CHINESE)) == 100
    assert {language: sum(row[0] == language for row in OTHERS) for language in ("ja", "ko", "de", "fr", "es", "ru")} == dict.fromkeys(
        ("ja", "ko", "de", "fr", "es", "ru"), 20
    )


def test_their_english_is_what_the_demo_checkpoint_was_trained_with() -> None:
    pattern = trained_caption()
    assert [english for _, english in CHINESE if not pattern.fullmatch(english)] == []


@pytest.mark.parametrize(("prompt", "english"), CHINESE)
def test_a_chinese_prompt_becomes_the_english_one(prompt: str, english: str) -> None:
    found = translate(prompt)
    assert (found.text, found.language, found.unknown) == (english, "zh", ())


@pytest.mark.parametrize(("language", "prompt", "english"), OTHERS)
def test_a_prompt_of_another_language_becomes_the_english_one(language: str, prompt: str, english: str) -> None:
    found = translate(prompt)
    assert (found.text, found.language, found.unknown) == (english, language, ())


def test_what_was_translated_stays_as_it_is() -> None:
    for english in [row[-1] for row in (*CHINESE, *OTHERS)]:
        assert translate(english) == Translation(english)


@pytest.mark.parametrize(
    "prompt",
    [
        "a red star on a blue background",
        "masterpiece, best quality, 1girl, (blue hair:1.3), <lora:原:0.8>"[:40],
        "die hard, gross, rose, orange",
        "portrait of a woman , [cat:dog:0.5]  AND  x BREAK y",
        "",
        "  ",
        "a café in Paris, ukiyo-e",
        "rot, decay, mold on a wall",
    ],
)
def test_english_is_left_alone_to_the_letter(prompt: str) -> None:
    assert translate(prompt) == Translation(prompt)


@pytest.mark.parametrize(
    ("prompt", "english"),
    [
        ("(红色星星:1.3), [蓝色:绿色:0.5]背景", "(red star:1.3), [blue:green:0.5] background"),
        ("（蓝色头发：1.3），微笑", "(blue hair:1.3), smile"),
        ("[猫|狗], 杰作", "[cat|dog], masterpiece"),
        ("猫 AND 狗 :0.5 BREAK 杰作", "cat AND dog :0.5 BREAK masterpiece"),
        ("<lora:红色:0.8>红色裙子", "<lora:红色:0.8> red skirt"),
        ("__颜色__裙子, {2::红色|蓝色}裙子, {2$$ 和 $$猫|狗}", "__颜色__ skirt, {2::red|blue} skirt, {2$$ 和 $$cat|dog}"),
        ("${颜色={红色|蓝色}}${颜色}裙子", "${颜色={red|blue}}${颜色} skirt"),
        ("猫 \\(卡通\\), ((狗))", "cat \\(cartoon\\), ((dog))"),
        ("# 注释\n猫", "# 注释\ncat"),
        ("best quality, 一个女孩, photo of 猫", "best quality, a girl, photo of cat"),
    ],
)
def test_what_is_no_text_survives(prompt: str, english: str) -> None:
    assert translate(prompt).text == english


def test_names_of_embeddings_are_left_alone() -> None:
    assert translate("红色, 猫", names=["红色"]).text == "红色, cat"


@pytest.mark.parametrize(
    ("prompt", "english"),
    [
        ("一个女孩,蓝色长发,微笑", "a girl, long blue hair, smile"),
        ("猫坐在窗台上", "a cat sitting on a window sill"),
        ("拿着剑的女孩", "a girl holding a sword"),
        ("窓辺に座っている猫", "a cat sitting on a window sill"),
        ("剣を持っている少女", "a girl holding a sword"),
        ("긴 머리의 소녀", "a girl with long hair"),
        ("女孩的眼睛", "a girl's eyes"),
        ("雨中的武士在跳舞", "a samurai in the rain dancing"),
        ("ein Mädchen mit langen blonden Haaren", "a girl with long blonde hair"),
        ("une femme assise sur une chaise en bois", "a woman sitting on a wooden chair"),
        ("девушка с длинными волосами", "a girl with long hair"),
        ("杰作, 最佳质量, 8k", "masterpiece, best quality, 8k"),
    ],
)
def test_phrases_come_out_in_english_order(prompt: str, english: str) -> None:
    assert translate(prompt).text == english


@pytest.mark.parametrize("prompt", ["红色魑魅, 蓝色背景", "赤い魍魎、青い背景", "빨간 뷁뷁, 파란 배경", "красный абвгд, синий фон"])
def test_what_is_not_known_is_kept_and_named(prompt: str) -> None:
    found = translate(prompt)
    assert (
        len(found.unknown) == 1
        and found.unknown[0] in found.text
        and found.text.startswith("red ")
        and found.text.endswith(", blue background")
    )


def test_unknown_words_of_latin_letters_are_named_too() -> None:
    found = translate("ein roter Quatschkopf auf blauem Hintergrund")
    assert found.unknown == ("Quatschkopf",) and "Quatschkopf" in found.text


def test_a_language_that_was_chosen_is_not_guessed() -> None:
    assert language_of("猫") == "zh" and translate("猫", "ja").text == "cat" and translate("rosa", "de").text == "pink"


def test_further_words_come_from_another_dictionary() -> None:
    found = translate("红色算盘", otherwise={"算盘": "abacus"}.get)
    assert (found.text, found.unknown) == ("red abacus", ())


@pytest.mark.parametrize(
    ("definitions", "english"),
    [
        (["abbr. for something", "abacus (an instrument)"], "abacus"),
        (["surname Mu"], None),
        (["to knock over"], "knock over"),
        (["old variant of 火"], None),
        (["a very long explanation of it; lamp"], "lamp"),
        (["CL:個|个[ge4]"], None),
    ],
)
def test_explanations_are_no_translations(definitions: list[str], english: str | None) -> None:
    assert gloss(definitions) == english
