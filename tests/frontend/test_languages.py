"""The languages that come along have all texts of the page, and no others."""

import json
import re
from pathlib import Path

import pytest

from tests.frontend.script_literals import literals
from tests.frontend.wording import (
    ALSO,
    COMMAND,
    EXCEPT,
    EXTENSIONS,
    LANGUAGES,
    LIST,
    NAMES,
    SCRIPTS,
    of_extension,
    texts,
    with_own_words,
)

HOLE = re.compile(r"\{(\d?)\}")
# Names, and terms that people use in English, too.
STAYING = {
    "Alpha", "Dropout", "Eta", "SD VAE", "Sigma tmax", "Sigma tmin", "Stable Diffusion", "Textual Inversion",
    "Textual Inversion. Gal et al. 2022, arXiv:2208.01618.", "img2img", "txt2img", "{} px",
}  # fmt: skip
OTHER_LETTERS = {"Русский": re.compile(r"[а-яё]", re.IGNORECASE), "한국어": re.compile(r"[\uac00-\ud7a3]")}
HAN_AND_KANA = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
# Words that the language shares with English, and terms that its speakers use in English.
SHARED = {
    "Deutsch": {
        "1 ms", "Branch", "Caches", "Checkpoint", "Checkpoints", "Commit", "ControlNets", "Denoising", "Details", "Downloads", "Embedding",
        "Embeddings", "Extras", "Hash", "Hashes", "Hook", "Horizontal", "Infotext", "Linear", "LoRAs", "Logo", "Loss", "Name", "Neutral",
        "Orange", "Original", "Outpainting mk2", "Prompt", "Prompts", "Refiner", "Sampler", "Seed", "System", "Tagger {}", "Tokens",
        "Upscaler", "Upscaler 1", "Upscaler 2", "Upscaling", "VAEs", "Version", "Warm", "Zero Terminal SNR", "Zoom", "in {}",
    },
    "Español": {
        "1 ms", "Checkpoint", "Checkpoints", "Commit", "Control", "ControlNets", "Denoising", "Embedding", "Embeddings", "Extras", "Hash",
        "Hashes", "Hires. fix", "Horizontal", "Original", "Outpainting mk2", "Prompt", "Prompts", "Refiner", "Script", "Tokens", "Upscaler",
        "Upscaler 1", "Upscaler 2", "Upscalers", "Vertical", "Zoom", "original", "{} ({} bytes)", "{} h {} min", "{} min",
    },
    "Français": {
        "1 ms", "Actions", "Architecture", "Caches", "Checkpoint", "Checkpoints", "Commit", "ControlNets", "Copies", "Description",
        "Embedding", "Embeddings", "Extension", "Extensions", "Extras", "Hires. fix", "Horizontal", "Licence", "Licences", "Logo",
        "Machines", "Notes", "Notifications", "Orange", "Original", "Outpainting mk2", "Page", "Prompt", "Prompts", "Refiner", "Script",
        "Source", "Styles", "Suggestions", "Upscaler", "Upscaler 1", "Upscaler 2", "Upscalers", "Version", "Vertical", "Violet", "Zoom",
        "original", "{} copies", "{} h {} min", "{} min", "{} pixels", "{} · {} extensions",
    },
}  # fmt: skip
# Small words of English that the languages with its letters have not.
ENGLISH = re.compile(r"\b(and|are|been|by|has|its|of|that|the|there|they|this|which|with|without)\b", re.IGNORECASE)


def is_in(language: str, source: str, translation: str) -> bool:
    """Whether a text can be the language's: by its letters, or, where they are English's, by having no small words of English."""
    if language in SHARED:
        return translation != source and not ENGLISH.search(translation)
    return bool(OTHER_LETTERS.get(language, HAN_AND_KANA).search(translation))


@pytest.fixture(scope="module")
def found() -> list[str]:
    return texts()


def read(path: Path) -> dict[str, str]:
    values = json.loads(path.read_text("utf8"))
    assert isinstance(values, dict)
    return values


def test_the_list_for_translators_is_what_the_page_shows(found: list[str]) -> None:
    listed = read(LIST)
    new, gone = sorted(set(found) - set(listed)), sorted(set(listed) - set(found))
    assert not (new or gone), f"`{COMMAND}` renews the list; new: {new}, gone: {gone}"
    assert all(source == text for source, text in listed.items())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_and_no_others(language: str) -> None:
    wanted, translated = set(read(LIST)), set(read(LIST.with_name(f"{language}.json")))
    assert not wanted - translated, f"{language}.json lacks {sorted(wanted - translated)}"
    assert not translated - wanted, f"{language}.json has what the page does not show: {sorted(translated - wanted)}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_holes_of_its_source(language: str) -> None:
    for source, translation in read(LIST.with_name(f"{language}.json")).items():
        holes, numbers = source.count("{}"), HOLE.findall(translation)
        plain = numbers == [""] * holes
        numbered = sorted(numbers) == [str(number) for number in range(1, holes + 1)]
        assert plain or numbered, f"{source!r} has {holes} holes; {translation!r} has not"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_is_one(language: str) -> None:
    for source, translation in read(LIST.with_name(f"{language}.json")).items():
        assert translation.strip(), f"{source!r} has no translation"
        if source in STAYING | SHARED.get(language, set()):
            continue
        assert translation != source, f"{source!r} stays English"
        short = len(re.sub(r"[^A-Za-z]", "", translation)) <= 10
        assert is_in(language, source, translation) or short, f"{source!r} is not in {language}: {translation!r}"


@pytest.mark.parametrize("language", SHARED)
def test_no_word_that_is_shared_with_english_is_listed_in_vain(language: str) -> None:
    known = read(LIST.with_name(f"{language}.json"))
    assert {source for source in SHARED[language] if known.get(source) != source} == set()


@pytest.mark.parametrize("language", ("English", *LANGUAGES))
def test_a_file_is_sorted_and_readable(language: str) -> None:
    path = LIST.with_name(f"{language}.json")
    values = read(path)
    assert path.read_text("utf8") == json.dumps({key: values[key] for key in sorted(values)}, ensure_ascii=False, indent=1) + "\n"


def test_no_exception_of_the_list_has_become_pointless(found: list[str]) -> None:
    for name, exceptions in EXCEPT.items():
        extension, _, file = name.rpartition("/")
        script = (EXTENSIONS / extension / "web" if extension else SCRIPTS) / file
        there = {literal.text.strip() for literal in literals(script.read_text("utf8"))}
        assert exceptions <= there, f"{name} has no longer {exceptions - there}"
    assert all((SCRIPTS / name).is_file() for name in ALSO)
    assert not NAMES & set(found)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", with_own_words())
def test_an_extension_brings_its_words_along(name: str, language: str) -> None:
    path = EXTENSIONS / name / "localizations" / f"{language}.json"
    assert path.is_file(), f"{name} has no {language}.json"
    known = read(path)
    missing = [text for text in of_extension(EXTENSIONS / name) if text not in known]
    assert not missing, f"`{COMMAND} {name}` prints what {language}.json of {name} lacks: {missing}"
    assert path.read_text("utf8") == json.dumps({key: known[key] for key in sorted(known)}, ensure_ascii=False, indent=1) + "\n"
    for source, translation in known.items():
        plain = HOLE.findall(translation) == [""] * source.count("{}")
        assert plain or sorted(HOLE.findall(translation)) == [str(number + 1) for number in range(source.count("{}"))], source
        assert translation.strip(), f"{source!r} has no translation"
        assert is_in(language, source, translation) or len(source.split()) <= 3, f"{source!r} is not in {language}: {translation!r}"


def said(source: str) -> list[str]:
    return [literal.text for literal in literals(source)]


def test_texts_are_read_out_of_a_script() -> None:
    assert said("""say("Don't", 'a "b"'); // "no" \n /* "neither" */ x = "\\u2026"; """) == ["Don't", 'a "b"', "…"]


def test_a_pattern_is_not_taken_for_a_text_nor_a_division_for_a_pattern() -> None:
    assert said("""x = /["'`/]/g.test(a) ? 4 / 2 / "b".length : (a) / "c";""") == ["b", "c"]


def test_what_is_filled_into_a_text_is_a_hole() -> None:
    assert said("say(`${n} of ${f(`${m} inside`, { a: 'b' })}`)") == ["{} of {}", "{} inside", "b"]


def test_a_choice_inside_a_text_makes_several() -> None:
    assert said("`${n} ${n === 1 ? 'job' : 'jobs'} wait${x ? '!' : ''}`") == [
        "{} job wait!", "{} job wait", "{} jobs wait!", "{} jobs wait"]


def test_texts_that_are_added_are_one() -> None:
    assert said("const A = 'One, ' + 'two, '\n + 'three';") == ["One, two, three"]
