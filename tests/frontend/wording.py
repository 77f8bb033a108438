"""Every text that the page can show, as translators need it. `python -m tests.frontend.wording` writes them into the list they work from.

They are the texts of the page's components, of the settings, and of the scripts in the browser. Sentences that the program makes while
it runs, above all what it says about errors, are no part of it: they are English. An extension brings its words along in its own
`localizations` folder; `python -m tests.frontend.wording NAME` prints what these files lack. The oldest eight have theirs in the list.
"""

import ast
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from modules.contract.declare import Options
from modules.contract.files import write_whole
from modules.contract.schema import described, schema
from modules.contract.training import TrainingRequest
from modules.datasets.captioning import ByName, ByTemplate
from modules.datasets.check import LABELS
from modules.datasets.repair import NAMES as REPAIRS
from modules.frontend.build import build_page
from modules.frontend.services import Finishing, Merging
from modules.infotext.fields import FIELDS
from modules.plugins.examine import first_words
from modules.plugins.loader import load
from modules.plugins.panels import panels
from modules.server.settings import pages
from modules.weights.shelves import Shelves
from tests.frontend.pretended import SAMPLERS, SCHEDULES, services
from tests.frontend.script_literals import Literal, literals

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "modules" / "frontend"
SCRIPTS = PAGE / "web"
LIST = PAGE / "languages" / "English.json"
EXTENSIONS = ROOT / "extensions"
LANGUAGES = ("Deutsch", "Español", "Français", "Русский", "简体中文", "日本語", "繁體中文", "한국어")
OLDEST = {  # extensions whose words are among the page's own
    "loopback", "outpainting_mk2", "poor_mans_outpainting", "prompt_matrix", "prompts_from_file", "sd_upscale", "soft_inpainting",
    "xyz_plot",
}  # fmt: skip
COMMAND = "python -m tests.frontend.wording"

HOLE = "{}"
# What Gradio's own components say of themselves.
OF_GRADIO = (
    "number input for {}", "range slider for {}", "More tabs", "Empty value", "Fullscreen", "detailed view of selected image",
    "Thumbnail {} of {}",
)  # fmt: skip
WORD = re.compile(r"[^\W\d_]{2,}")
CONTENT = re.compile(r"""content:\s*(?:var\(--[\w-]+,\s*)?["']([^"']*)["']""")
SENTENCE = re.compile(r"[(“\"'…]?[A-Z]")
ATTRIBUTES = ("title", "aria-label", "placeholder", "alt", "name")  # `name` is that of our own elements; they say it
OF_THE_MACHINE = {*SAMPLERS, *SCHEDULES, "Latent", "Lanczos", "ink"}  # what the pretended program has
# What a literal of a script is given to, where it is never shown.
PLACES = {
    "class", "className", "id", "type", "method", "rel", "role", "transform", "clipPath", "font", "cursor", "key", "href", "src",
    "background", "viewBox", "filter", "accept", "autocomplete", "import", "from", "backgroundSize", "'Content-Type'", "'X-Requested-With'",
    "'If-None-Match'", "TEXT", "KEPT", "WRITTEN", "NAMES", "PHONE", "PROMPTS",
}  # fmt: skip
CALLS = {
    "querySelector", "querySelectorAll", "closest", "matches", "call", "ask", "fetch", "import", "Error", "RangeError", "TypeError",
    "matchMedia", "getElementById", "setProperty", "get", "includes", "whenShown", "chunk", "startsWith", "endsWith", "split",
    "CustomEvent", "Event", "KeyboardEvent", "setting", "has", "addEventListener", "removeEventListener", "appeared", "post",
}  # fmt: skip
BESIDE = {"===", "!==", "import", "from", "case", "in"}
# Names that are the same in every language, and units: what has no translation is not asked for.
NAMES = {
    "Easel", "GET", "POST", "DELETE", "KB", "MB", "GB", "TB", "{} KB", "{} kB", "{} MB", "{} GB", "{} ms", "SD1", "SD2", "SDXL",
    "SD 1", "SD 2", "SD 3", "Flux", "CLIP", "CPU", "GPU", "NV", "API", "VAE", "LoRA", "Lora", "SHA-256", "GFPGAN", "CodeFormer",
    "BLIP", "DeepBooru", "DreamBooth", "Deepbooru", "TAESD", "Approx NN", "Civitai", "Hugging Face", "avif", "jpg", "png", "webp", "ckpt",
    "safetensors", "bh1", "bh2", "logSNR", "time_quadratic", "time_uniform", "vary_coeff", "Ctrl", "Alt", "Shift", "Ctrl + V",
    "Ctrl + Z, Ctrl + Y", "{}, Esc", "Prompt S/R", "Size-1", "Size-2", "Hires resize-1", "Hires resize-2", "Seed resize from-1",
    "Seed resize from-2", "Adafactor", "AdamW", "AdamW 8-bit", "DoRA", "Huber", "Lion", "LoCon", "LoHa", "LoKr", "Prodigy", "U-Net",
}  # fmt: skip
# What is put together in a script so that its literals do not show it, or is shown though it looks like a name of the program's.
ALSO = {
    "cards.js": {"{}, reading {} more…"},
    "extensions_available.js": {"stars"},
    "extensions_installed.js": {"added", "bundled", "folder", "none", "extra", "all", "Look at it… {}", "Update… {}"},
    "extensions_sets.js": {"Restore: {}", "Download: {}", "Delete: {}"},
    "history.js": {"damaged", "{} picture", "favourite", "favourite: {}"},
    "models_downloads.js": {"Pause {}", "Try again now {}", "Go on with {}", "Cancel {}", "Take off the list: {}"},
    "options_combobox.js": {"(none)"},
    "queue_row.js": {"next"},
    "settings_changes.js": {"(empty)", "As it was: {}", "Back to the default: {}"},
    "styles.js": {"changed"},
    "tokens.js": {"round", "square", "curly"},
}
# What looks like a text for people and is not, or is only a piece of one above.
EXCEPT = {
    "cards.js": {", reading {} more…"},
    "cards_card.js": {"card-about wrong"},
    "cards_dialog.js": {"activation text", "negative text", "preferred weight", "sd version"},
    "dataset_captions.js": {"a photo of {trigger}, {name}"},
    "dataset_head.js": {"pictures {}"},
    "dataset_tasks.js": {"{} · {} of {}"},
    "extensions_installed.js": {"title {}", "switch {}"},
    "extensions_tasks.js": {"0 ms", "< 1 ms"},
    "extras.js": {"#extras_image_batch webui-drop", "#extras_image webui-drop"},
    "history_detail.js": {"after icon-history-after"},
    "lightbox.js": {"{}px {}px"},
    "looks.js": {"#tab_{}-button { order: {}; display: none; }", "#tab_{}-button { order: {};  }"},
    "models_downloads.js": {"Go on with", "Take off the list:", "Try again now"},
    "options.js": {"{}-reset {}", "{}-help {}-problem"},
    "training_new.js": {"a photo of a dog", "{} style"},
    "training_sweep.js": {"{} <lora:{}:{}>"},
    "virtual_grid.js": {"heading {} {}", "row {}"},
}


def texts() -> list[str]:
    """All of them, sorted."""
    found = {text.strip() for source in SOURCES for text in source()}
    return sorted(text for text in found if WORD.search(text.replace(HOLE, "")) and text not in NAMES)


def of_the_page() -> Iterator[str]:
    """Labels, help, placeholders, buttons, tabs, choices and static HTML of the components."""
    with tempfile.TemporaryDirectory() as folder:
        page, queue = services(Path(folder))
        page = replace(
            page,
            finishing=Finishing(lambda: ["Lanczos"], lambda *_: "", lambda _: Path(folder)),
            merging=Merging(lambda _: {}, lambda _: {}, list, lambda *_: ""),
        )
        components = build_page(page, temporary=Path(folder)).get_config_file()["components"]
        queue.store.close()
        known = {*OF_THE_MACHINE, *page.checkpoint_titles()}
    for component in components:
        if component["props"].get("elem_id") != "footer":  # names and versions
            yield from of_component(component["type"], component["props"], known)


def of_component(kind: str, props: dict[str, Any], known: set[str]) -> Iterator[str]:
    """One component's. `known` are names of models and the like, which stay."""
    yield from (props[name] for name in ("label", "info", "placeholder") if isinstance(props.get(name), str))
    if kind == "button":
        yield str(props["value"])
    if kind == "html":
        yield from of_html(str(props.get("value") or ""))
    if kind in ("radio", "checkboxgroup", "dropdown"):
        yield from (str(name) for name, _ in props["choices"] if name not in known)


class Markup(HTMLParser):
    """Collects the texts of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Its attributes that are shown."""
        self.tag = tag
        self.found += [value for name, value in attrs if value and name in ATTRIBUTES]

    def handle_data(self, data: str) -> None:
        """A text between tags."""
        if self.tag not in ("script", "style"):
            self.found.append(data.strip())


def of_html(markup: str) -> list[str]:
    """The texts of a piece of HTML."""
    reader = Markup()
    reader.feed(markup)
    return reader.found


def of_markup() -> Iterator[str]:
    """HTML that the page's handlers make: each f-string, or text, that begins with a tag."""
    for module in sorted(PAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text("utf8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            whole = "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in parts)
            if whole.startswith("<") and "footer" not in whole:
                yield from of_html(whole)


def of_settings() -> Iterator[str]:
    """All pages of the Settings tab."""
    for page in pages({}):
        yield page["title"]
        yield page["heading"]
        yield from of_fields(page["fields"])


def of_extensions() -> Iterator[str]:
    """What the oldest extensions say of themselves, and their panels."""
    rows = [load(EXTENSIONS / name) for name in sorted(OLDEST)]
    yield from (first_words(EXTENSIONS / name) for name in sorted(OLDEST))
    for panel in [panel for tab in ("txt2img", "img2img") for panel in panels(rows, tab, {})]:
        yield panel.title
        yield panel.description
        yield from of_fields(panel.fields)


def with_own_words() -> list[str]:
    """The extensions that come along and bring their own words."""
    return sorted(set((EXTENSIONS / "bundled.txt").read_text("utf8").split()) - OLDEST)


def of_extension(folder: Path) -> list[str]:
    """The texts that an extension shows and the page's own files do not have, sorted. Raises ValueError for one that cannot be loaded."""
    row = load(folder)
    kind, manifest = row.extension, row.manifest
    if kind is None or manifest is None:
        raise ValueError(f"{folder.name}: {row.problem}")
    found = [manifest.title, manifest.description, kind.tab.title if kind.tab else ""]
    fields = [*schema(kind.Options), *schema(kind.Settings)]
    found += [text for text in of_fields(fields) if text not in choices_in(fields) or SENTENCE.match(text) or " " in text]
    for script in sorted(folder.glob("web/**/*.js")):
        found += shown_in(script, EXCEPT.get(f"{folder.name}/{script.name}", set()))
    for sheet in sorted(folder.glob("web/**/*.css")):
        found += CONTENT.findall(sheet.read_text("utf8"))
    core = set(json.loads(LIST.read_text("utf8")))
    texts = {text.strip() for text in found}
    return sorted(text for text in texts if WORD.search(text.replace(HOLE, "")) and text not in NAMES | core)


def of_training() -> Iterator[str]:
    """The form of a training, what is done to its pictures, who captions them. Choices in one small word stay, as in files."""
    fields: list[dict[str, Any]] = []
    for name, field in TrainingRequest.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Options):
            fields += [described(each, one) for each, one in kind.model_fields.items()]
            yield field.title or name
            yield (kind.__doc__ or "").partition("\n")[0]
        else:
            fields.append(described(name, field))
    small = {text for text in choices_in(fields) if not SENTENCE.match(text) and " " not in text}
    yield from (text for text in of_fields(fields) if text not in small)
    yield from (*LABELS.values(), *REPAIRS.values(), ByName.title, ByTemplate.title, f"Tagger {HOLE}", "Looking at the pictures")


def choices_in(fields: list[dict[str, Any]]) -> set[str]:
    """All choices, of units too."""
    found = {str(choice) for field in fields for choice in field.get("choices") or ()}
    return found.union(*(choices_in(field["fields"]) for field in fields if "fields" in field))


def of_fields(fields: list[dict[str, Any]]) -> Iterator[str]:
    """Declared options. A mask that is drawn over another field's picture has no row, and so no label."""
    masks = {field.get("mask") for field in fields}
    for field in fields:
        if field["control"] != "hidden" and field["name"] not in masks:
            yield field["label"]
            yield field["help"]
        if field["control"] in ("choice", "choices"):
            yield from map(str, field["choices"])
        yield from of_fields(field.get("fields", []))


def of_scripts() -> Iterator[str]:
    """The literals of the scripts in the browser that are for people."""
    for script in sorted(SCRIPTS.glob("*.js")):
        yield from ALSO.get(script.name, set())
        yield from shown_in(script, EXCEPT.get(script.name, set()))


def shown_in(script: Path, exceptions: set[str]) -> Iterator[str]:
    """Those of one script."""
    for literal in literals(script.read_text("utf8")):
        text = literal.text.strip()
        if text.startswith("<"):
            yield from of_html(text)
        elif is_shown(literal) and text not in exceptions:
            yield from as_said(literal.before, text)


def of_styles() -> Iterator[str]:
    """Texts of the style sheets, which stand behind the name that localize.js puts their translation under."""
    for sheet in sorted(SCRIPTS.glob("*.css")):
        yield from CONTENT.findall(sheet.read_text("utf8"))


def as_said(before: tuple[str, ...], text: str) -> Iterator[str]:
    """A text as the call that it is given to says it."""
    if "counted" in before and ")" not in before[before.index("counted") :]:  # it puts the number before
        yield f"{HOLE} {text}"
        return
    yield text
    if before[-2:] == ("run", "(") and text.endswith(":"):  # what is done at the moment is put behind it
        yield f"{text} {HOLE}"


def is_shown(literal: Literal) -> bool:
    """Whether a literal is for people, by where it stands and what it looks like."""
    before, text = ("", "", *literal.before), literal.text.strip()
    if (before[-1] in (":", "=") and before[-2] in PLACES) or (before[-1] == "(" and before[-2] in CALLS):
        return False
    behind = (*literal.behind, "")[0]
    if before[-1] in BESIDE or behind in BESIDE or (behind == ":" and before[-1] in ("{", ",")):  # the latter names a property
        return False
    return bool(SENTENCE.match(text)) or " " in text


def of_the_program() -> Iterator[str]:
    """Names that the program has for things it lists on the page: infotext fields, shelves of models, caches."""
    yield from (field.label for field in FIELDS)
    yield from (shelf.label for shelf in Shelves(Path("models"), Path("data"), {}).all)
    for node in ast.walk(ast.parse((ROOT / "modules" / "upkeep.py").read_text("utf8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("MemoryCache", "FolderCache"):
            yield str(ast.literal_eval(node.args[0]))


SOURCES = (of_the_page, of_markup, of_settings, of_training, of_extensions, of_scripts, of_styles, of_the_program, lambda: OF_GRADIO)


def main(names: list[str]) -> None:
    """Renew the list; with names of extensions: print what their own files lack, as these files have it."""
    for name in names:
        for language in LANGUAGES:
            path = EXTENSIONS / name / "localizations" / f"{language}.json"
            known = json.loads(path.read_text("utf8")) if path.is_file() else {}
            missing = {text: "" for text in of_extension(EXTENSIONS / name) if text not in known}
            sys.stdout.write(f"{path.relative_to(ROOT)} lacks {json.dumps(missing, ensure_ascii=False, indent=1)}\n")
    if names:
        return
    found = texts()
    write_whole(LIST, (json.dumps({text: text for text in found}, ensure_ascii=False, indent=1) + "\n").encode())
    sys.stdout.write(f"{len(found)} texts are in {LIST.name}.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
