"""The Settings tab's routes: what can be set and how it is set now, changes, a file of settings out and in."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.contract.schema import described
from modules.server.here import from_this_machine
from modules.server.routes import Threads
from modules.settings.groups import HEADINGS, Settings
from modules.settings.importing import Imported, imported, plain_problem
from modules.settings.store import ENTRIES, EXTENSIONS, Page, SettingsStore, changed, entries_of, entries_on, flat, is_local

CHECKPOINT = "sd_model_checkpoint"
EXPORT_NAME = "settings.json"
HEADING = "Extensions"
NO_PAGES: Mapping[str, Page] = {}
# Settings that hold several of a list that is known only while the program runs; the tabs are known to the page alone.
LISTED = {"hide_samplers": "sampler", "infotext_skip_pasting": "infotext field"}

# What the page heeds at once, and what it reads only while it is loaded.
LIVE = frozenset(
    "sidebar_models sidebar_prompt less_movement hide_footer page_title page_title_shown page_logo page_greys split_preview prompt_box "
    "prompt_highlight confirm_unload extra_networks_card_width gradio_theme accent_color compact_prompt_box hires_fix_show_sampler "
    "hires_fix_show_prompts gallery_height img2img_editor_height ui_tab_order hidden_tabs".split()
)
RELOADED = frozenset(
    key
    for key, entry in ENTRIES.items()
    if (key not in LIVE and entry.page in ("interface", "appearance", "gallery")) or key in ("hide_samplers", "disable_token_counters")
)


class ValuesGiven(BaseModel):
    """Values by A1111's keys."""

    values: dict[str, Any]


@dataclass(frozen=True)
class SettingsDesk:
    """What the routes stand on. `lists` gives the names to choose from, by kind; `refresh` looks at the folders again.

    `chosen` is the title of the checkpoint in use; `choose` loads one and keeps the choice, or raises and changes nothing.
    `others` are the keys that A1111 has beside ours.
    """

    store: SettingsStore
    lists: Callable[[], Mapping[str, Sequence[str]]]
    refresh: Callable[[], None]
    chosen: Callable[[], str]
    choose: Callable[[str], Any]
    others: Collection[str] = ()

    def values(self) -> dict[str, Any]:
        """All settings by their keys, with the checkpoint that is really in use."""
        values = flat(self.store.current)
        return {**values, CHECKPOINT: self.chosen() or values[CHECKPOINT]}

    def change(self, values: Mapping[str, Any], *, here: bool) -> list[str]:
        """Change settings, all or none; the keys whose value is another one now. A checkpoint among them is loaded first.

        Raises BadRequest with a sentence for each wrong value, NotFound, NotSupported for what is changed on this machine only.
        """
        now = self.values()
        new = {key: value for key, value in values.items() if key not in now or value != now[key]}
        checked(self.store.current, new)
        known = entries_of(self.store.current)
        refused = [known[key].field.title or key for key in new if is_local(key, known)]
        if refused and not here:
            raise NotSupported(f"{' and '.join(refused)} can be changed only on the machine that the program runs on.")
        if new.get(CHECKPOINT):
            self.choose(str(new.pop(CHECKPOINT)))
        before = flat(self.store.current)
        after = flat(self.store.update(new))
        return [key for key in after if after[key] != before[key]] + ([CHECKPOINT] if self.values()[CHECKPOINT] != now[CHECKPOINT] else [])


def checked(settings: Settings, values: Mapping[str, Any]) -> None:
    """Raise NotFound for an unknown key, BadRequest with a sentence for each value that cannot be."""
    known = entries_of(settings)
    for key in values:
        if key not in known:
            raise NotFound.among("setting", key, known)
    plain = {key: problem for key, value in values.items() if (problem := plain_problem(value))}
    if plain:
        raise BadRequest(" ".join(f"The setting '{known[key].field.title}' {problem}" for key, problem in plain.items()))
    changed(settings, dict(values))


def pages(lists: Mapping[str, Sequence[str]], extensions: Mapping[str, Page] = NO_PAGES) -> list[dict[str, Any]]:
    """The pages of the tab in order: {name, title, heading, fields}, the fields as `contract.schema` describes them.

    Those of `extensions`, by name, come last. `reload` says of a field that the page has to be loaded again before all of it shows.
    """
    choices: dict[str, Sequence[str]] = {key: lists.get(kind, ()) for key, kind in LISTED.items()}
    further = {name: list(entries_on(f"{EXTENSIONS}.{name}", page.kind)) for name, page in extensions.items()}
    every = {**ENTRIES, **{entry.key: entry for found in further.values() for entry in found}}
    choices["quicksettings_list"] = [key for key in every if not is_local(key, every)]
    own = [
        {"name": name, "title": title(name), "heading": heading,
         "fields": [
             {**described(entry.name, entry.field, choices.get(entry.key)), "reload": entry.key in RELOADED}
             for entry in ENTRIES.values() if entry.page == name
         ]}
        for heading, names in HEADINGS.items() for name in names
    ]  # fmt: skip
    return own + [
        {"name": f"extension-{name}", "title": page.title, "heading": HEADING,
         "fields": [{**described(entry.name, entry.field), "key": entry.key, "reload": False} for entry in further[name]]}
        for name, page in sorted(extensions.items(), key=lambda item: item[1].title.lower())
    ]  # fmt: skip


def title(page: str) -> str:
    """A page's name as the tab shows it: the first line of what its class says about itself."""
    kind = Settings.model_fields[page].annotation
    return ((kind.__doc__ if kind else "") or page).partition("\n")[0].rstrip(".")


def router(desk: SettingsDesk) -> APIRouter:
    """All routes."""
    routes = APIRouter(prefix="/webui/settings")
    threads = Threads("settings-route", 2)
    add_reading(routes, desk, threads)
    add_changing(routes, desk, threads)
    return routes


def add_reading(routes: APIRouter, desk: SettingsDesk, threads: Threads) -> None:
    @routes.get("")
    async def whole(request: Request) -> dict[str, Any]:
        """All pages with their fields, the values by key, the lists by kind, and whether the browser is on this machine."""

        def collected() -> dict[str, Any]:
            lists = {kind: list(names) for kind, names in desk.lists().items()}
            return {"pages": pages(lists, desk.store.pages), "values": desk.values(), "lists": lists, "problem": desk.store.problem}

        return {**await threads.run(collected), "here": from_this_machine(request)}

    @routes.get("/values")
    async def values() -> dict[str, Any]:
        """All values by key."""
        return await threads.run(desk.values)

    @routes.get("/export")
    async def export() -> Response:
        """All values by A1111's keys, as a file that both programs read."""
        text = json.dumps(await threads.run(desk.values), indent=4, ensure_ascii=False)
        headers = {"Content-Disposition": f'attachment; filename="{EXPORT_NAME}"', "Cache-Control": "no-store"}
        return Response(text, media_type="application/json", headers=headers)


def add_changing(routes: APIRouter, desk: SettingsDesk, threads: Threads) -> None:
    @routes.post("")
    async def change(given: ValuesGiven, request: Request) -> dict[str, Any]:
        """Change settings, all or none; the keys of those that changed, and all values as they are then."""
        here = from_this_machine(request)
        keys = await threads.run(lambda: desk.change(given.values, here=here))
        return {"changed": keys, "values": await threads.run(desk.values)}

    @routes.post("/import")
    async def look(given: ValuesGiven) -> dict[str, Any]:
        """What a file of settings would change; nothing is changed."""

        def looked() -> Imported:
            values = {**given.values}
            if values.get(CHECKPOINT) == "":  # nothing chosen: the one in use stays
                del values[CHECKPOINT]
            return imported(values, desk.store.snapshot({CHECKPOINT: desk.chosen()}), others=desk.others, names=desk.lists())

        return asdict(await threads.run(looked))

    @routes.post("/refresh")
    async def refresh() -> dict[str, Any]:
        """Look for models again; the lists by kind."""

        def looked() -> dict[str, Any]:
            desk.refresh()
            return {kind: list(names) for kind, names in desk.lists().items()}

        return await threads.run(looked)
