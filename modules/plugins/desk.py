"""All that can be asked of the set of extensions, in plain values: what the Extensions tab stands on."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from modules.contract.errors import BadRequest
from modules.plugins.backup import Backups, read
from modules.plugins.examine import examine, first_words
from modules.plugins.git import Git, cloned_from
from modules.plugins.index import Catalogue, Entry, Index, is_newer, same_address
from modules.plugins.install import Installer, Staged, quiet
from modules.plugins.installation import Installation
from modules.plugins.loader import Loaded
from modules.plugins.requirements import Pip
from modules.plugins.state import Mode, Record
from modules.plugins.update import Updates

Say = Callable[[str], None]
README_SHOWN = 20_000


class Desk:
    """`local` with a call: it comes from this machine, whose folders and servers it may then name."""

    def __init__(self, installation: Installation, *, index: str = "", pip: Pip | None = None) -> None:
        self.installation = installation
        self.installer = Installer(installation)
        self.updates = Updates(self.installer)
        self.backups = Backups(self.installer, self.updates)
        self.index = Index(installation.data / "cache" / "extensions-index.json")
        self.first_index = index
        self.pip = pip or Pip()

    # What there is

    def overview(self) -> dict[str, Any]:
        """Everything that the page shows at once."""
        state = self.installation.state.current
        return {
            "rows": [self.described(row) for row in self.installation.rows()],
            "mode": self.installation.mode,
            "forced": self.installation.forced,
            "safe_mode": state.safe_mode.model_dump() if state.safe_mode else None,
            "folder": str(self.installation.added),
            "index": state.index or self.first_index,
            "git": Git().program is not None,
            "removed": [asdict(one) for one in self.installer.removed()],
            "saved": [asdict(one) for one in self.backups.files()],
        }

    def described(self, row: Loaded) -> dict[str, Any]:
        """A row of the table."""
        manifest, record = row.manifest, self.installation.record_of(row.name) if row.origin == "added" else None
        account = self.installation.registry.ledger.of(row.name)
        twin = row not in self.installation.registry.extensions()
        return {
            "name": row.name,
            "title": row.title,
            "version": row.version,
            "origin": row.origin,
            "on": row.name not in self.installation.state.current.disabled and not twin,
            "state": self.state_of(row, record, twin),
            "problem": row.problem or "",
            "traceback": row.traceback,
            "description": self.words_of(row),
            "homepage": manifest.homepage if manifest else "",
            "requires": list(manifest.requires) if manifest else [],
            "folder": str(row.folder or ""),
            "source": self.source_of(row, record),
            "installed": record.installed if record else 0,
            "load_seconds": row.seconds,
            "per_picture": account.per_picture(),
            "pictures": account.pictures,
            "spent": [{"hook": hook, **asdict(spent)} for hook, spent in account.spent.items()],
            "failures": [asdict(one) for one in reversed(account.failures)],
            "observer": bool(row.extension and row.extension.observer),
            "update": self.updates.found.get(row.name, ""),
            "earlier": self.earlier(row),
        }

    def state_of(self, row: Loaded, record: Record | None, twin: bool) -> str:
        """In a word: on, off, new, failed, twin."""
        if twin:
            return "twin"
        if not row.enabled:
            return "new" if record and not record.reviewed else "off"
        return "on" if row.extension else "failed"

    def words_of(self, row: Loaded) -> str:
        """What an extension is for, as it says itself."""
        return (row.manifest.description if row.manifest else "") or (first_words(row.folder) if row.folder else "")

    def source_of(self, row: Loaded, record: Record | None) -> dict[str, Any]:
        """Where one came from; nothing for a bundled one."""
        if row.origin == "bundled":
            return {}
        if record:
            return record.source.model_dump()
        url, commit = cloned_from(row.folder) if row.folder else ("", "")
        return {"kind": "git" if url else "", "url": url, "branch": "", "commit": commit, "date": 0, "sha256": ""}

    def earlier(self, row: Loaded) -> str:
        """The version that one can go back to; empty if there is none."""
        kept = self.installation.state.current.previous.get(row.name)
        there = row.origin == "added" and self.updates.previous(row.name) is not None
        return (kept.version or kept.source.commit[:8] or "earlier") if kept and there else ""

    def details(self, name: str) -> dict[str, Any]:
        """What a careful person wants to know before switching one on. Raises NotFound, BadRequest."""
        row = self.installation.row(name)
        assert row.folder is not None
        try:
            readme = (row.folder / "README.md").read_text("utf8", "replace")[:README_SHOWN]
        except OSError:
            readme = ""
        return {**asdict(examine(row.folder)), "row": self.described(row), "readme": readme}

    # Switching

    def switch(self, name: str, on: bool) -> dict[str, Any]:
        """The row as it is then. Raises NotFound."""
        return self.described(self.installation.switch(name, on))

    def set_mode(self, mode: Mode) -> None:
        """Raises NotSupported."""
        self.installation.set_mode(mode)

    def leave_safe_mode(self, without_culprit: bool) -> None:
        """Raises NotSupported."""
        self.installation.leave_safe_mode(without_culprit=without_culprit)

    def rescan(self) -> list[str]:
        """Look at the folders again; the names that are new."""
        before = {row.name for row in self.installation.rows()}
        self.installation.refresh()
        return [row.name for row in self.installation.rows() if row.name not in before]

    def retry(self, name: str) -> dict[str, Any]:
        """Import one again, whose files somebody has changed. Raises NotFound."""
        return self.described(self.installation.retry(name))

    # Bringing here

    def install_url(self, url: str, *, branch: str, commit: str, expected: str, local: bool, say: Say = quiet) -> dict[str, Any]:
        """The row of what stands at an address, switched off. Raises as Installer does."""
        staged = self.installer.stage_url(url, local=local, branch=branch, commit=commit, expected=expected, say=say)
        return self.installed(staged)

    def install_zip(self, data: bytes) -> dict[str, Any]:
        """The row of an archive's extension, switched off. Raises as Installer does."""
        return self.installed(self.installer.stage_zip(data))

    def install_folder(self, path: str, *, link: bool) -> dict[str, Any]:
        """The row of a folder's extension, switched off. Raises as Installer does."""
        folder = Path(path.strip()).expanduser()
        return self.described(self.installer.link(folder)) if link else self.installed(self.installer.stage_folder(folder))

    def installed(self, staged: Staged) -> dict[str, Any]:
        return self.described(self.installer.install(staged))

    # Packages

    def packages(self, name: str) -> dict[str, Any]:
        """What installing an extension's requirements would add. Raises NotFound, NotSupported, Unavailable."""
        wanted = self.wanted(name)
        return {"wanted": wanted, "would_install": [asdict(one) for one in self.pip.plan(wanted)]}

    def install_packages(self, name: str, say: Say = quiet) -> dict[str, Any]:
        """Install an extension's requirements, and load it if it is on. Raises as `packages`."""
        self.pip.install(self.wanted(name), say)
        pending = self.updates.pending.get(name)
        if pending:  # it was for the version that waits
            self.updates.pending[name] = Staged(pending.folder, examine(pending.folder), pending.source, pending.subjects)
            return self.described(self.installation.row(name))
        return self.described(self.installation.retry(name))

    def wanted(self, name: str) -> list[str]:
        """The requirements of the version that waits, or of the one that is there. Raises NotFound."""
        row, pending = self.installation.row(name), self.updates.pending.get(name)
        return list(pending.examined.requires if pending else row.manifest.requires if row.manifest else ())

    # Updates

    def check_updates(self, *, local: bool, say: Say = quiet) -> dict[str, str]:
        """What is new, by name."""
        return self.updates.check_all(local=local, say=say)

    def prepare_update(self, name: str, *, local: bool, say: Say = quiet) -> dict[str, Any]:
        """What the newest version changes; it waits to be put in place. Raises as Updates does."""
        return asdict(self.updates.prepare(name, local=local, say=say))

    def apply_update(self, name: str) -> dict[str, Any]:
        """Put the version that waits in place. Raises as Updates does."""
        self.backups.save("before an update", automatic=True)
        return asdict(self.updates.apply(name))

    def drop_update(self, name: str) -> None:
        """Forget the version that waits."""
        self.updates.drop(name)

    def go_back(self, name: str) -> dict[str, Any]:
        """Put the version before in place. Raises NotFound."""
        return asdict(self.updates.go_back(name))

    # Taking away

    def remove(self, name: str) -> dict[str, Any]:
        """Put one into the trash. Raises NotFound, BadRequest."""
        self.updates.drop(name)
        return asdict(self.installer.remove(name))

    def bring_back(self, id: str) -> dict[str, Any]:
        """Take one out of the trash. Raises NotFound, NotSupported."""
        return self.described(self.installer.bring_back(id))

    def empty_trash(self) -> int:
        """How many were deleted for good."""
        return self.installer.empty_trash()

    # The index

    def load_index(self, url: str, *, local: bool) -> dict[str, Any]:
        """An index, remembered as the one to ask. Raises BadRequest, Unavailable."""
        found = self.index.load(url, local=local)
        self.installation.state.update(index=found.url)
        return self.catalogue(found)

    def kept_index(self) -> dict[str, Any] | None:
        """The index that was loaded last, without asking for it again; None if there is none."""
        kept = self.index.kept()
        return self.catalogue(kept) if kept else None

    def catalogue(self, found: Catalogue) -> dict[str, Any]:
        """An index with what is here of it."""
        here = [self.described(row) for row in self.installation.rows()]
        return {"url": found.url, "when": found.when, "stale": found.stale, "tags": found.tags,
                "entries": [listed(entry, here) for entry in found.entries]}

    # Saved sets

    def save_set(self, name: str) -> dict[str, Any]:
        """Write the set as it is to a file."""
        return asdict(self.backups.save(name))

    def saved_set(self, file: str) -> dict[str, Any]:
        """A saved set, whole. Raises NotFound."""
        return self.backups.saved(file).model_dump(mode="json")

    def delete_set(self, file: str) -> None:
        """Raises NotFound."""
        self.backups.delete(file)

    def restore_set(self, *, file: str = "", data: bytes = b"", local: bool, say: Say = quiet) -> list[str]:
        """Bring about a saved set, or the one in `data`; what could not be done. Raises NotFound, BadRequest."""
        if bool(file) == bool(data):
            raise BadRequest("Either a saved set or a file is to be restored.")
        return self.backups.restore(read(data) if data else self.backups.saved(file), local=local, say=say)


def listed(entry: Entry, here: list[dict[str, Any]]) -> dict[str, Any]:
    """An index's entry, with the name of the extension that it is here."""

    def is_it(one: dict[str, Any]) -> bool:
        return same_address(entry.url, str(one["source"].get("url", ""))) or (entry.runs_here and one["name"] == entry.name)

    row = next(filter(is_it, here), None)
    newer = row is not None and is_newer(entry.version, str(row["version"]))
    return {**asdict(entry), "runs_here": entry.runs_here, "installed": row["name"] if row else "", "newer": newer}


