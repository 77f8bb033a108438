"""The vocabulary: every row whole, every word of the demo checkpoint in it, look-ups in both directions, Chinese characters."""

import re

import pytest

from modules.demo import captions, figures, palette
from modules.prompts.vocabulary import CATEGORIES, LANGUAGES, vocabulary
from modules.prompts.vocabulary.book import FOLDER
from modules.prompts.vocabulary.characters import initials, pinyin, simplified, table

SCRIPTS = {"zh": "[\u4e00-\u9fff]", "ja": "[\u3041-\u30ff\u4e00-\u9fff]", "ko": "[\uac00-\ud7af]", "ru": "[а-яё]"}
NOT_IN_ITS_SCRIPT = {"Unreal Engine", "SF"}  # what a language writes in Latin letters


def test_there_are_more_than_a_thousand_words_each_once_and_each_in_every_language() -> None:
    words = vocabulary().words
    assert len(words) > 1100
    assert len({word.english.lower() for word in words}) == len(words)
    assert all(list(word.names) == list(LANGUAGES) and all(all(names) for names in word.names.values()) for word in words)
    assert {path.stem for path in FOLDER.glob("*.tsv")} == set(CATEGORIES)
    assert all(word.group and word.kind in "nmvdxashct" for word in words)


@pytest.mark.parametrize("language", sorted(SCRIPTS))
def test_names_are_in_the_script_of_their_language(language: str) -> None:
    pattern = re.compile(SCRIPTS[language], re.IGNORECASE)
    names = [name for word in vocabulary().words for name in word.names[language]]
    assert not [name for name in names if not pattern.search(name) and name not in NOT_IN_ITS_SCRIPT and not name.isdigit()]
    assert not [name for name in names if name != name.strip() or "  " in name]


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_names_in_latin_letters_hold_no_others(language: str) -> None:
    names = [name for word in vocabulary().words for name in word.names[language]]
    assert not [name for name in names if re.search("[\u0370-\u04ff\u3041-\ud7af]", name)]


def test_every_word_that_the_demo_checkpoint_knows_is_there() -> None:
    known = vocabulary()
    words = [
        *palette.NAMES,
        *figures.NAMES,
        *captions.QUALITY,
        *captions.NUMBERS.values(),
        "small",
        "little",
        "large",
        "big",
        "outlined",
        "plain",
        "sky",
        "sea",
        "night",
        "night sky",
        "ocean",
        "water",
        "clouds",
        "background",
        "sky background",
        "sea background",
        "drawing",
        "picture",
        "image",
        "painting",
        "illustration",
    ]
    assert not [word for word in words if known.word(word) is None]


def test_tags_are_found_with_underscores_and_in_capitals() -> None:
    word = vocabulary().word("Long_Hair")
    assert word is not None and (word.category, word.group) == ("body", "Hair") and word.names["zh"][0] == "长发"


@pytest.mark.parametrize(
    ("english", "language", "name"),
    [
        ("blue_hair", "zh", "蓝发"),
        ("red skirt", "zh", "红色裙子"),
        ("red skirt", "ja", "赤いスカート"),
        ("small red star", "ko", "작은 빨간 별"),
        ("green dress", "ja", "緑のドレス"),
    ],
)
def test_names_are_put_together_where_there_is_no_row(english: str, language: str, name: str) -> None:
    assert vocabulary().names(english, language)[0] == name


def test_a_name_that_would_change_its_ending_is_not_put_together() -> None:
    assert vocabulary().names("red skirt", "de") == () and "de" not in vocabulary().names_of("red skirt")


@pytest.mark.parametrize(
    ("text", "language", "english"),
    [
        ("藍髮", "zh", "blue hair"),
        ("红色的裙子", "zh", "red skirt"),
        ("猫", "ja", "cat"),
        ("Katze", "de", "cat"),
        ("빨간 치마", "ko", "red skirt"),
    ],
)
def test_names_lead_back_to_english(text: str, language: str, english: str) -> None:
    assert vocabulary().english(text, language)[0] == english


def test_what_is_not_known_has_no_english_and_no_names() -> None:
    assert vocabulary().english("魑魅魍魉", "zh") == () and vocabulary().names("zzz qqq", "zh") == () and vocabulary().word("") is None


def test_traditional_characters_become_simplified_and_all_others_stay() -> None:
    assert simplified("藍色長髮 blue") == "蓝色长发 blue"
    assert all(len(one) == len(other) == 1 for one, other in table("simplified").items())


def test_characters_have_readings_and_initials() -> None:
    assert (
        pinyin("蓝色长发") == ("lan", "se", "chang", "fa")
        and initials("藍髮") == "lf"
        and initials("4K画质") == "4khz"
        and initials("、") == ""
    )


def test_every_chinese_character_of_the_vocabulary_has_a_reading() -> None:
    known = table("pinyin")
    used = {one for word in vocabulary().words for name in word.names["zh"] for one in name if "\u4e00" <= one <= "\u9fff"}
    assert not used - set(known)
