"""What a merge will give, told before it starts: file name, size, room on the disk, and which models fit together."""

import shutil
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.contract.errors import WebuiError
from modules.contract.merge import MergeRequest
from modules.families.identify import FAMILIES, identify
from modules.pipeline.library import Library
from modules.weights.config import config_beside, read_config
from modules.weights.files import TensorFile
from modules.weights.merge import SPARE, Source, opened_entry, planned, sources_of, target
from modules.weights.merge_metadata import read_all


@dataclass(frozen=True)
class MergeDesk:
    """The checkpoints that can be merged, and what can be known of a merge without doing it. Reads headers, no tensor."""

    library: Library

    def outlook(self, request: MergeRequest) -> dict[str, Any]:
        """{name, size, needed, free, families: [{letter, title, family}], problem, hint}; `problem` is empty if it can start.

        Sizes are bytes; `needed` is what must be free, the reserve included. What a problem hides is empty or 0.
        """
        found: dict[str, Any] = {"name": "", "size": 0, "needed": 0, "free": self.free(), "families": [], "problem": "", "hint": ""}
        try:
            with ExitStack() as opened:
                checkpoints = self.library.checkpoints
                sources = [
                    Source(letter, *opened_entry(checkpoints, name, opened))
                    for letter, name in zip("ABC", sources_of(request), strict=False)
                ]
                found["families"] = [
                    {"letter": one.letter, "title": one.entry.title, "family": family_of(one.file, one.entry.path)} for one in sources
                ]
                vae = Source("VAE", *opened_entry(self.library.vaes, request.vae, opened)) if request.vae != "None" else None
                work = planned(request, sources, vae)
                found |= {"size": work.size, "needed": work.size + SPARE}
                found["name"] = target(request, sources, work, self.folder()).name
        except WebuiError as error:
            found |= {"problem": error.message, "hint": error.hint}
        return found

    def metadata(self, request: MergeRequest) -> dict[str, str]:
        """The metadata of the checkpoints that a request names. Raises NotFound."""
        return read_all(request, self.library.checkpoints)

    def vaes(self) -> list[str]:
        """The VAEs that can be baked in, by title."""
        return [entry.title for entry in self.library.vaes.entries()]

    def folder(self) -> Path:
        """Where merged checkpoints are written."""
        return self.library.checkpoints.folders[0]

    def free(self) -> int:
        """The bytes that are free there; 0 where that cannot be told."""
        with suppress(OSError):
            return shutil.disk_usage(self.folder()).free
        return 0


def family_of(file: TensorFile, path: Path) -> str:
    """The family of a checkpoint and what sets it apart, such as "SDXL, inpainting"; empty for what is none that can be used."""
    try:
        variant = identify(file.header, read_config(config_beside(path)))
    except WebuiError:
        return ""
    kinds = {"plain": "", "inpaint": "inpainting", "edit": "instruct-pix2pix"}
    titles = {family.name: family.title.removeprefix("a ").removeprefix("an ").removesuffix(" checkpoint") for family in FAMILIES}
    return ", ".join(part for part in (titles[variant.family], kinds[variant.inputs]) if part)
