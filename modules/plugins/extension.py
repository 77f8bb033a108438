"""The base of every extension."""

from typing import Any, ClassVar

from modules.contract import declare
from modules.plugins.script import Script


class Extension:
    """One instance lives as long as one run; what it keeps on itself dies with it.

    `Options` declares what a person may set, for page, API and infotext alike. An `observer` takes part in every run
    without being asked for; a failure of its mutes it and does not end the job. `script` says how A1111's clients call it.
    """

    Options: ClassVar[type[declare.Options]] = declare.Options  # of an extension that has nothing to set
    observer: ClassVar[bool] = False
    script: ClassVar[Script | None] = None
    options: Any  # an Options of its own class

    def __init__(self, options: declare.Options, *, name: str, title: str) -> None:
        self.options = options
        self.name = name
        self.title = title
