"""Captions as they are shown: in another wording each time, by the seed, the step and the picture's slot."""

import re
from collections.abc import Sequence

from modules.contract.training import DataOptions, Goal, TrainingRequest
from modules.datasets.captions import effective, joined, tags_of
from modules.datasets.scan import Item
from modules.families.clip_text import TextOptions
from modules.training.data.plan import chance, number, order

CHOICE = re.compile(r"\{([^{}]*\|[^{}]*)\}")
MOST_WORDINGS = 32
# Wordings for Textual Inversion where there are no captions: the word must be met in many sentences, so that it does not take their
# sense into itself. Gal et al. 2022, arXiv:2208.01618, section 4.1, do the same.
WORDINGS: dict[Goal, tuple[str, ...]] = {
    "subject": (
        "a photo of {}", "a picture of {}", "a close-up of {}", "a bright photo of {}", "a dark photo of {}", "one {}",
        "a good photo of {}", "a photo of {} from afar", "a photo of the whole {}", "a plain picture of {}", "{} in the middle", "{}",
    ),
    "concept": (
        "a photo of {}", "a picture showing {}", "a drawing of {}", "an example of {}", "{} seen from near", "{} seen from afar",
        "a simple picture of {}", "a detailed picture of {}", "a bright picture of {}", "a dark picture of {}", "some {}", "{}",
    ),
    "style": (
        "a picture in the style of {}", "a painting in the style of {}", "a drawing in the style of {}", "art by {}", "{} style",
        "a scene in the style of {}", "a bright picture in the style of {}", "a dark picture in the style of {}",
        "a detailed picture in the style of {}", "a simple picture in the style of {}", "something in the style of {}", "{}",
    ),
}  # fmt: skip


def text_options(request: TrainingRequest) -> TextOptions:
    """How this training's captions become numbers. Brackets are plain text unless weights are asked for."""
    data = request.data
    return TextOptions(clip_skip=data.clip_skip, emphasis="Original" if data.weighted_captions else "None")


class Captions:
    """The captions of some pictures. `texts` are their files' contents, or None where there is none."""

    def __init__(self, request: TrainingRequest, items: Sequence[Item]) -> None:
        self.data: DataOptions = request.data
        self.seed = request.steps.seed
        self.trigger = called(request)
        self.wordings = WORDINGS[request.goal] if request.method == "Textual Inversion" else ()
        missing = self.data.missing_captions
        self.texts = [effective(item.caption, item.path.stem, item.words, missing, self.trigger) for item in items]
        self.own = [item.caption is not None for item in items]

    def plain(self, index: int) -> str:
        """A picture's caption as it is: the first of several, nothing moved or left out."""
        return self.named(first_choices(alternatives(self.texts[index])[0]), self.own[index])

    def shown(self, index: int, step: int, slot: int) -> str:
        """A picture's caption at a slot of a step."""
        key = (self.seed, "caption", step, slot)
        if chance(*key, "dropped") < self.data.drop_captions:
            return ""
        if self.worded(index):
            return self.wordings[number(*key, "wording") % len(self.wordings)].format(self.trigger)
        several = alternatives(self.texts[index])
        text = several[number(*key, "which") % len(several)]
        return self.varied(self.named(chosen(text, key), self.own[index]), key)

    def worded(self, index: int) -> bool:
        """Whether a picture without a caption is shown with sentences about the word that is trained."""
        return bool(self.wordings) and not self.own[index] and self.data.missing_captions == "trigger"

    def named(self, text: str, own: bool) -> str:
        """The caption with the trigger in front, unless it has it somewhere or is meant to be empty."""
        if not self.trigger or (not own and self.data.missing_captions == "empty") or has_word(text, self.trigger):
            return text
        return joined([self.trigger, text], self.data.separator) if text else self.trigger

    def varied(self, text: str, key: tuple[int | str, ...]) -> str:
        """The caption with its tags moved and left out, as asked; those in front stay."""
        data = self.data
        if not (data.shuffle_tags or data.drop_tags):
            return text
        tags = tags_of(text, data.separator)
        kept, loose = tags[: data.keep_tags], tags[data.keep_tags :]
        left = [tag for place, tag in enumerate(loose) if chance(*key, "tag", place) >= data.drop_tags]
        if data.shuffle_tags:
            left = [left[place] for place in order(len(left), *key, "order")]
        return joined([*kept, *left], data.separator)

    def all_shown(self, index: int) -> list[str] | None:
        """Every text that a picture may be shown with; None where there are too many to keep."""
        if self.data.shuffle_tags or self.data.drop_tags:
            return None
        if self.worded(index):
            texts = [wording.format(self.trigger) for wording in self.wordings]
        else:
            texts = [self.named(choice, self.own[index]) for text in alternatives(self.texts[index]) for choice in all_choices(text)]
        texts += [""] if self.data.drop_captions else []
        return texts if len(texts) <= MOST_WORDINGS else None


def called(request: TrainingRequest) -> str:
    """The word that calls what is trained: the trigger; an embedding is called by its name."""
    return request.name.strip() if request.method == "Textual Inversion" else request.trigger.strip()


def alternatives(text: str) -> list[str]:
    """The captions of a file: one a line. At least one, which may be empty."""
    return [line.strip() for line in text.splitlines() if line.strip()] or [""]


def has_word(text: str, word: str) -> bool:
    """Whether a text has a word (or several in a row) as a whole, in any case."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def chosen(text: str, key: tuple[int | str, ...]) -> str:
    """The text with one of each {this|that}, the innermost first."""
    for place in range(MOST_WORDINGS):
        found = CHOICE.search(text)
        if not found:
            break
        options = found[1].split("|")
        text = text[: found.start()] + options[number(*key, "choice", place) % len(options)].strip() + text[found.end() :]
    return text


def first_choices(text: str) -> str:
    """The text with the first of each {this|that}."""
    while found := CHOICE.search(text):
        text = text[: found.start()] + found[1].split("|")[0].strip() + text[found.end() :]
    return text


def all_choices(text: str) -> list[str]:
    """Every text that `chosen` may give; more than can be kept are cut off, one beyond that number."""
    texts = [text]
    while any(CHOICE.search(text) for text in texts) and len(texts) <= MOST_WORDINGS:
        texts = [made for text in texts for made in split_choice(text)]
    return texts[: MOST_WORDINGS + 1]


def split_choice(text: str) -> list[str]:
    """A text with its first innermost {this|that} replaced by each of them; itself where there is none."""
    found = CHOICE.search(text)
    if not found:
        return [text]
    return [text[: found.start()] + option.strip() + text[found.end() :] for option in found[1].split("|")]
