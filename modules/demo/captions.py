"""What is written under a picture: the canonical caption, and the many ways training hears it."""

import numpy as np

from .scenes import LANDSCAPES, Scene, Subject

NUMBERS = {2: "two", 3: "three"}
PLURALS = {"cross": "crosses", "fish": "fish"}
QUALITY = (
    "masterpiece",
    "best quality",
    "highly detailed",
    "photo",
    "4k",
    "sharp focus",
    "trending on artstation",
    "digital art",
    "beautiful",
    "simple",
    "detailed",
    "vector art",
)
OPENINGS = ("a drawing of ", "a picture of ", "an image of ", "a photo of ", "a painting of ", "an illustration of ")
WHERE = {
    "left": ("on the left", "on the left side", "at the left"),
    "right": ("on the right", "on the right side", "at the right"),
    "top": ("at the top", "on top"),
    "bottom": ("at the bottom", "on the bottom"),
    "center": ("in the center", "in the middle"),
}
BEHIND = {
    "sky": ("in the sky", "in a blue sky", "in the sky with clouds", "sky background"),
    "sea": ("in the sea", "on the sea", "in the water", "in the ocean", "sea background"),
    "night": ("in the night sky", "at night", "night sky background", "under the stars"),
}
BESIDE = {
    "": ("and",),
    "left of": ("to the left of", "left of", "next to"),
    "right of": ("to the right of", "right of"),
    "above": ("above", "over"),
    "below": ("below", "under"),
}


def canonical(scene: Scene) -> str:
    """The plainest caption, as `a red star on a blue background`."""
    return f"{_subjects(scene, 'a')} {_behind(scene.background)}{_where(scene)}"


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """A caption by lot: the canonical one or another wording, some with quality words about it."""
    form = rng.random()
    if form < 0.5:
        text = canonical(scene)
    elif form < 0.65:
        text = _listed(scene, rng)
    else:
        text = _told(scene, rng)
    if rng.random() < 0.2:
        words = ", ".join(rng.choice(QUALITY, int(rng.integers(1, 4)), replace=False))
        text = f"{words}, {text}" if rng.random() < 0.4 else f"{text}, {words}"
    return text


def _told(scene: Scene, rng: np.random.Generator) -> str:
    opening = str(rng.choice(OPENINGS)) if rng.random() < 0.5 else ""
    where = _where(scene, rng)
    behind = _behind(scene.background, rng)
    article = "the" if not opening and rng.random() < 0.1 else "a"
    return f"{opening}{_subjects(scene, article, rng)}{where} {behind}".replace("  ", " ")


def _listed(scene: Scene, rng: np.random.Generator) -> str:
    behind = f"{scene.background} background"
    if scene.background not in LANDSCAPES and rng.random() < 0.3:
        behind = f"plain {behind}"
    return f"{_subjects(scene, '', rng)}{_where(scene, rng)}, {behind}"


def _subjects(scene: Scene, article: str, rng: np.random.Generator | None = None) -> str:
    size = scene.size
    if size and rng is not None and rng.random() < 0.4:
        size = {"small": "little", "large": "big"}[size]
    adjectives = [word for word in (size, "outlined" if scene.outlined else "") if word]
    if scene.count > 1:
        words = [NUMBERS[scene.count], *adjectives, scene.first.colour, _plural(scene.first.thing)]
        return " ".join(words)
    first = _one(scene.first, article, adjectives)
    if scene.second is None:
        return first
    beside = BESIDE[scene.relation]
    word = beside[0] if rng is None else str(rng.choice(beside))
    return f"{first} {word} {_one(scene.second, article, [])}"


def _one(subject: Subject, article: str, adjectives: list[str]) -> str:
    words = [*adjectives, subject.colour, subject.thing]
    if article == "a" and words[0][0] in "aeiou":
        article = "an"
    return " ".join([article, *words] if article else words)


def _plural(thing: str) -> str:
    return PLURALS.get(thing, f"{thing}s")


def _where(scene: Scene, rng: np.random.Generator | None = None) -> str:
    if not scene.place:
        return ""
    ways = WHERE[scene.place]
    return " " + (ways[0] if rng is None else str(rng.choice(ways)))


def _behind(background: str, rng: np.random.Generator | None = None) -> str:
    if background in BEHIND:
        ways = BEHIND[background]
        return ways[0] if rng is None else str(rng.choice(ways))
    article = "an" if background[0] in "aeiou" else "a"
    ways = (
        f"on {article} {background} background",
        f"with {article} {background} background",
        f"on a plain {background} background",
        f"in front of {article} {background} background",
        f"on {background}",
        f"against {article} {background} background",
    )
    return ways[0] if rng is None else str(rng.choice(ways))
