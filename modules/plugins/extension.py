"""The base of every extension."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fastapi import APIRouter

from modules.contract import declare
from modules.plugins.host import Host
from modules.plugins.infotext import notes_of, options_in
from modules.plugins.script import Script
from modules.screening.detectors import Detector


@dataclass(frozen=True)
class Tab:
    """A page of an extension's own: `element` is the custom element that its web files define, shown in the Tools tab under `title`."""

    title: str
    element: str


class Extension:
    """One instance lives as long as one run; what it keeps on itself dies with it.

    `Options` declares what a person may set for a picture, for page, API and infotext alike; `Settings` what is set once, on a page of
    the Settings tab. An `observer` takes part in every run without being asked for; a failure of its mutes it and does not end the
    job. `script` says how A1111's clients call it.
    """

    Options: ClassVar[type[declare.Options]] = declare.Options  # of an extension that has nothing to set
    Settings: ClassVar[type[declare.Options]] = declare.Options
    observer: ClassVar[bool] = False
    script: ClassVar[Script | None] = None
    tab: ClassVar[Tab | None] = None
    families: tuple[str, ...] = ()  # of its manifest
    options: Any  # an Options of its own class

    def __init__(self, options: declare.Options, *, name: str, title: str, host: Host | None = None) -> None:
        self.options = options
        self.name = name
        self.title = title
        self.given = host

    @property
    def host(self) -> Host:
        """What the program offers; only where there is a program around it."""
        assert self.given is not None
        return self.given

    @property
    def settings(self) -> Any:
        """Its settings as they are now: an instance of its `Settings`. Its defaults where there is no program."""
        return self.given.settings if self.given else self.Settings()

    @property
    def drives(self) -> bool:
        """Whether its `drive` hook, if it has one, takes the place of this run's plain generation: not all of its options may need that."""
        return True

    @classmethod
    def routes(cls, router: APIRouter, host: Host) -> None:
        """Add routes of its own. They are served below /webui/extensions/<name>/, behind the program's guard; called once."""

    @classmethod
    def old_routes(cls, router: APIRouter, host: Host) -> None:
        """Add the routes that A1111's clients know an extension by, with their whole paths; called once."""

    @classmethod
    def detectors(cls, host: Host) -> Sequence[Detector]:
        """What can tell what a picture shows, for the content screen; called once. What a detector raises lets no picture pass."""
        return ()

    @classmethod
    def notes(cls, options: Any, title: str) -> dict[str, object]:
        """The pairs that a picture's infotext has of it: one of its title and what was changed. Those of a script are its own affair."""
        return {} if cls.script is not None else notes_of(options, title)

    @classmethod
    def options_from(cls, notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
        """Its options in the pairs of an infotext that nobody else reads; None if it took no part. What cannot be read is left out."""
        return None if cls.script is not None else options_in(cls.Options, notes, title)
