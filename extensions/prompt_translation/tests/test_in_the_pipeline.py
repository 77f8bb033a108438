"""Translations on their way through the pipeline, over the smallest real model; the page's preview; infotext and back."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from extensions.prompt_translation import PromptTranslation
from modules.contract.request import HiresPass
from modules.contract.services import Folders
from modules.pipeline.manager import PipelineManager
from modules.plugins import Host
from modules.plugins.host import Program
from tests.extensions.making import REQUEST, equal, infotext, pictures
from tests.tiny import Listener

CHINESE = REQUEST.replace(prompt="蓝色背景上的红色星星", negative_prompt="模糊, 低质量", steps=1)
ENGLISH = CHINESE.replace(prompt="a red star on a blue background", negative_prompt="blurry, low quality")


@pytest.mark.parametrize(
    "prompt", ["蓝色背景上的红色星星", "青い背景の赤い星", "ein roter Stern auf blauem Hintergrund", "красная звезда на синем фоне"]
)
def test_the_picture_is_that_of_the_english_prompt(pipeline: PipelineManager, prompt: str) -> None:
    assert equal(pictures(pipeline, ENGLISH), pictures(pipeline, CHINESE.replace(prompt=prompt), prompt_translation={}))


def test_off_is_not_translated_and_english_is_left_alone(pipeline: PipelineManager) -> None:
    assert not equal(pictures(pipeline, ENGLISH), pictures(pipeline, CHINESE))
    assert equal(pictures(pipeline, ENGLISH), pictures(pipeline, ENGLISH, prompt_translation={}))
    assert "Original" not in infotext(pipeline, ENGLISH, prompt_translation={})


def test_the_infotext_has_the_english_and_the_original(pipeline: PipelineManager) -> None:
    text = infotext(pipeline, CHINESE, prompt_translation={})
    assert text.startswith("a red star on a blue background\nNegative prompt: blurry, low quality\n")
    assert "Original prompt: 蓝色背景上的红色星星" in text and 'Original negative prompt: "模糊, 低质量"' in text


def test_a_request_that_passes_twice_or_is_pasted_keeps_its_original(pipeline: PipelineManager) -> None:
    once = pipeline.check(CHINESE.replace(extensions={"prompt_translation": {}}))
    twice = pipeline.check(once)
    assert (once.prompt, once.negative_prompt) == (ENGLISH.prompt, ENGLISH.negative_prompt) and twice.extensions == once.extensions
    pasted = PromptTranslation.options_from({"Original prompt": CHINESE.prompt}, "Prompt translation")
    again = pipeline.check(ENGLISH.replace(extensions={"prompt_translation": pasted or {}}))
    assert again.extensions["prompt_translation"]["original"] == CHINESE.prompt
    other = pipeline.check(ENGLISH.replace(prompt="a cat", extensions={"prompt_translation": pasted or {}}))
    assert "original" not in other.extensions["prompt_translation"]


def test_only_what_was_asked_for_is_translated(pipeline: PipelineManager) -> None:
    found = pipeline.check(CHINESE.replace(hires=HiresPass(prompt="一只猫"), extensions={"prompt_translation": {"negative": False}}))
    assert found.prompt == ENGLISH.prompt and found.negative_prompt == CHINESE.negative_prompt
    assert found.hires is not None and found.hires.prompt == "a cat"


def test_unknown_words_are_kept_and_named_in_a_warning(pipeline: PipelineManager) -> None:
    request = CHINESE.replace(prompt="红色魑魅", extensions={"prompt_translation": {}})
    result = pipeline.generate(pipeline.check(request), Listener())
    assert result.images[0].prompt == "red 魑魅"
    assert "Prompt translation does not know 魑魅: kept as it is." in result.warnings


def test_templates_are_drawn_first_and_then_translated(pipeline: PipelineManager) -> None:
    request = CHINESE.replace(prompt="{红色|红色}星星", extensions={"prompt_translation": {}, "dynamic_prompts": {}})
    assert pipeline.generate(pipeline.check(request), Listener()).images[0].prompt == "red star"


def client(tmp_path: Path, **settings: Any) -> TestClient:
    program = cast("Program", SimpleNamespace(folders=Folders(tmp_path, tmp_path, tmp_path), choices=lambda kind: ("猫脸",)))
    host = Host("prompt_translation", tmp_path, program, lambda: PromptTranslation.Settings(**settings))
    router, app = APIRouter(), FastAPI()
    PromptTranslation.routes(router, host)
    app.include_router(router)
    return TestClient(app)


def test_the_page_sees_a_prompt_word_by_word(tmp_path: Path) -> None:
    answer = client(tmp_path).post("/translate", json={"text": "红色魑魅, 猫脸"}).json()
    assert answer == {
        "text": "red 魑魅, 猫脸",
        "language": "zh",
        "words": [["红色", "red"], ["魑魅", "魑魅"]],
        "unknown": ["魑魅"],
        "off": False,
    }
    assert client(tmp_path, provider="off").post("/translate", json={"text": "红色"}).json()["text"] == "红色"
    assert client(tmp_path).get("/providers").json()["folders"] == []
