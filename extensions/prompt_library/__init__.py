"""Prompt library: words for prompts to click, the prompt as chips, favourites, and random sets. See README.md."""

import json
import threading
from dataclasses import replace
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from extensions.prompt_library.sets import chosen, has_sets, marked
from extensions.prompt_library.shelves import bundled, own_files
from modules.contract.errors import BadRequest
from modules.contract.files import write_whole
from modules.contract.request import GenerationRequest
from modules.plugins import Choice, Extension, Host, Options, Prompts, Run, Tab, Text, Toggle, hook

MOST_FAVOURITES = 5000
KEYS = r"^$|^((Ctrl|Alt|Shift|Meta)\+)+\w$"


class Favourite(BaseModel):
    """A text to be put into a prompt, under a name."""

    name: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=20_000)


class Favourites(BaseModel):
    """Those of both prompts, in a person's order."""

    positive: list[Favourite] = Field(default_factory=list[Favourite], max_length=MOST_FAVOURITES)
    negative: list[Favourite] = Field(default_factory=list[Favourite], max_length=MOST_FAVOURITES)


class PromptLibrary(Extension):
    """An observer: random sets are there for every prompt, with nothing to switch on. A prompt without one stays untouched."""

    class Settings(Options):
        """The page of the Settings tab."""

        keys: str = Text("Alt+Q", "Keys that open the panel", help="Such as Alt+Q or Ctrl+Shift+L. Empty: none.", pattern=KEYS)
        button: bool = Toggle(False, "A round button that opens the panel")
        language: Literal["zh", "ja", "ko", "de", "fr", "es", "ru", "none"] = Choice("zh", "Language of the second name")
        explicit: bool = Toggle(False, "Show explicit words of your own files")
        start: str = Text("", "Begins each prompt of the library", help="Put before the first word that you click.")
        end: str = Text("", "Ends each prompt of the library", help="Random inspirations end with it.")

    observer = True
    tab = Tab("Prompt library", "easel-prompt-library")
    options: Options

    @hook.request
    def keep_sets(self, request: GenerationRequest) -> GenerationRequest | None:
        """Keep sets from being taken for comments."""
        hires = request.hires
        texts = (request.prompt, request.negative_prompt, *((hires.prompt, hires.negative_prompt) if hires else ()))
        if not any("#[" in text for text in texts):
            return None
        if hires:
            hires = hires.model_copy(update={"prompt": marked(hires.prompt), "negative_prompt": marked(hires.negative_prompt)})
        return request.replace(prompt=marked(request.prompt), negative_prompt=marked(request.negative_prompt), hires=hires)

    @hook.batch
    def choose(self, run: Run) -> None:
        """One entry of each set, for each picture by its seed."""
        texts, hires = run.texts, run.hires_texts
        if not any(map(has_sets, (*texts.positive, *texts.negative, *hires.positive, *hires.negative))):
            return
        run.notes["Random sets"] = run.request.prompt if has_sets(run.request.prompt) else run.request.negative_prompt
        run.reprompt(decided(texts.positive, run.seeds, "positive"), decided(texts.negative, run.seeds, "negative"))
        second = run.request.hires
        if second and (second.prompt or second.negative_prompt):
            run.hires_texts = self.hires(run, run.hires_texts)
            run.hires_prompts = self.hires(run, run.hires_prompts)

    def hires(self, run: Run, prompts: Prompts) -> Prompts:
        """The second pass's texts: where they are its own, their sets are decided in the same way."""
        return replace(
            prompts,
            positive=tuple(decided(prompts.positive, run.seeds, "positive")),
            negative=tuple(decided(prompts.negative, run.seeds, "negative")),
        )

    @classmethod
    def routes(cls, router: APIRouter, host: Host) -> None:
        """The library, and the favourites."""
        lock = threading.Lock()
        path = host.data / "favourites.json"

        def favourites() -> Favourites:
            try:
                return Favourites(**json.loads(path.read_text("utf8")))
            except FileNotFoundError:
                return Favourites()
            except (OSError, ValueError, TypeError, RecursionError) as error:
                raise BadRequest(f"The favourites cannot be read ({error}).", f"Mend or remove {path}.") from None

        @router.get("/library")
        def library() -> dict[str, Any]:
            """All that the panel shows; `folder` is where own files belong."""
            folder = host.data / "yours"
            folder.mkdir(exist_ok=True)
            own, problems = own_files(folder, explicit=host.settings.explicit)
            return {
                "settings": host.settings.model_dump(mode="json"),
                "categories": [*bundled(explicit=host.settings.explicit), *own],
                "problems": problems,
                "folder": str(folder),
                "favourites": favourites().model_dump(),
            }

        @router.get("/settings")
        def settings() -> dict[str, Any]:
            """What the page goes by before the library is opened."""
            return host.settings.model_dump(mode="json")

        @router.put("/favourites")
        def keep(body: Favourites) -> None:
            """Replace all favourites by these."""
            with lock:
                write_whole(path, json.dumps(body.model_dump(), ensure_ascii=False, indent=1).encode())


def decided(texts: tuple[str, ...], seeds: tuple[int, ...], key: str) -> list[str]:
    """The texts of a batch's pictures, each with the choices of its seed."""
    return [chosen(text, seed, key) for text, seed in zip(texts, seeds, strict=True)]
