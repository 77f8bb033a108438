"""The git program, asked with fixed arguments: https only, no hooks, no submodules, no links, no settings of anybody's."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.contract.errors import BadRequest, NotSupported, Unavailable
from modules.plugins.examine import MOST_BYTES

SECONDS = 300.0
HISTORY = 100  # commits fetched, for the subjects of what changed
BRANCH = re.compile(r"[A-Za-z0-9][\w./-]{0,199}")
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy", "SSL_CERT_FILE",
        "SSL_CERT_DIR", "GIT_SSL_CAINFO")
OFFLINE = re.compile(r"Could not resolve|Failed to connect|Couldn't connect|Connection (refused|timed out|reset)|Network is unreachable")


@dataclass(frozen=True)
class Commit:
    """Where a repository stands. `date` is Unix time."""

    hash: str
    date: int
    subject: str


class Git:
    """git as this machine has it. `local` also lets it read repositories on this machine: file:// and http:// to itself."""

    def __init__(self, *, local: bool = False, program: str | None = None) -> None:
        self.program = program or shutil.which("git")
        self.local = local

    def clone(self, url: str, folder: Path, *, branch: str = "", commit: str = "") -> Commit:
        """The files of a repository in a new folder; where it stands. A `commit` needs the whole history.

        Raises BadRequest for names that cannot be or are not there, Unavailable without a network, NotSupported without git.
        """
        if (branch and not BRANCH.fullmatch(branch)) or ".." in branch or (commit and not COMMIT.fullmatch(commit)):
            raise BadRequest(f"'{branch or commit}' is not the name of a branch or a commit.")
        depth = [] if commit else ["--depth", str(HISTORY)]
        named = ["--branch", branch] if branch else []
        self.run(["clone", "--quiet", "--no-recurse-submodules", "--template=", "--single-branch", *depth, *named, "--", url, str(folder)],
                 watched=folder)
        if commit:
            self.run(["checkout", "--quiet", "--detach", commit], folder)
        return self.head(folder)

    def head(self, folder: Path) -> Commit:
        """Where a clone made here stands."""
        found, date, subject = [*self.run(["log", "-1", "--format=%H%n%ct%n%s"], folder).split("\n"), ""][:3]
        return Commit(found, int(date), subject)

    def newest(self, url: str, branch: str = "") -> str:
        """The commit that a repository's branch stands at, by asking its server only. Raises as `clone` does."""
        if branch and not BRANCH.fullmatch(branch):
            raise BadRequest(f"'{branch}' is not the name of a branch.")
        lines = self.run(["ls-remote", "--", url, f"refs/heads/{branch}" if branch else "HEAD"]).splitlines()
        if not lines:
            raise BadRequest(f"There is no branch '{branch}' at {url}.")
        return lines[0].split("\t")[0]

    def subjects(self, folder: Path, since: str) -> list[str]:
        """The first lines of the commits since one, the newest first; all that was fetched where it is not among them."""
        if not COMMIT.fullmatch(since):
            return []
        known = self.run(["rev-list", "HEAD"], folder).split()
        found = self.run(["log", "--format=%s", f"{since}..HEAD" if since in known else "HEAD"], folder).splitlines()
        return found[:HISTORY]

    def run(self, arguments: Sequence[str], folder: Path | None = None, *, watched: Path | None = None) -> str:
        """What a command prints. It is ended after a time, and when `watched` grows too large."""
        if self.program is None:
            raise NotSupported("This machine has no git.", "Install git, or give the address of a zip file.")
        settings = ["protocol.allow=never", "protocol.https.allow=always", f"core.hooksPath={os.devnull}", "core.symlinks=false",
                    "core.fsmonitor=false", "core.autocrlf=false", "credential.helper=", "submodule.recurse=false"]
        if self.local:
            settings += ["protocol.file.allow=always", "protocol.http.allow=always"]
        fixed = [word for setting in settings for word in ("-c", setting)]
        with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {
                "HOME": home, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ASKPASS": "",
                "GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C"}
            process = subprocess.Popen([self.program, *fixed, *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=errors, start_new_session=True)
            try:
                wait(process, watched)
            finally:
                end(process)
            output.seek(0)
            errors.seek(0)
            if process.returncode != 0:
                raise explained(errors.read().decode("utf8", "replace"))
            return output.read().decode("utf8", "replace").strip()


def wait(process: "subprocess.Popen[bytes]", watched: Path | None) -> None:
    """Wait for git. Raises Unavailable after too long, BadRequest when a folder grows too large."""
    last, pause = time.monotonic() + SECONDS, 0.01
    while True:
        try:
            process.wait(pause)
            return
        except subprocess.TimeoutExpired:
            pause = min(0.5, 2 * pause)
        if time.monotonic() > last:
            raise Unavailable(f"The repository did not arrive within {SECONDS / 60:g} minutes.")
        if watched and size_of(watched) > MOST_BYTES:
            raise BadRequest(f"The repository is larger than {MOST_BYTES // 2**20} MB.")


def size_of(folder: Path) -> int:
    """The bytes in a folder that somebody is writing into."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).lstat().st_size
            except FileNotFoundError:  # it was a temporary one
                continue
    return total


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a git that was given up, with the programs that it started."""
    if process.poll() is None:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()


def explained(errors: str) -> BadRequest | Unavailable:
    """Why git ended with an error."""
    if OFFLINE.search(errors):
        return Unavailable("The repository's server cannot be reached.", "Is this machine connected to the internet?")
    lines = [line.removeprefix("fatal: ").removeprefix("warning: ") for line in errors.splitlines() if line.strip()]
    if "not found" in errors or "does not exist" in errors or "terminal prompts disabled" in errors or "Authentication failed" in errors:
        return BadRequest("There is no such repository or branch, or it is not open to everybody.", lines[-1][:300] if lines else "")
    return BadRequest("git could not do that.", lines[-1][:300] if lines else "")


def cloned_from(folder: Path) -> tuple[str, str]:
    """The address and the commit of a clone that a person put there, read without git; empty where that cannot be known."""
    try:
        config = (folder / ".git" / "config").read_text("utf8", "replace")
        head = (folder / ".git" / "HEAD").read_text("utf8", "replace").strip()
    except OSError:
        return "", ""
    url = re.search(r'\[remote "origin"\][^\[]*?^\s*url\s*=\s*(\S+)', config, re.MULTILINE)
    if head.startswith("ref: "):
        name = head.removeprefix("ref: ")
        head = ref(folder / ".git", name) if re.fullmatch(r"refs/heads/[\w./-]+", name) and ".." not in name else ""
    return url[1] if url else "", head if COMMIT.fullmatch(head) else ""


def ref(repository: Path, name: str) -> str:
    """The commit of a reference; empty if there is none."""
    try:
        return (repository / name).read_text("utf8").strip()
    except OSError:
        pass
    try:
        packed = (repository / "packed-refs").read_text("utf8", "replace")
    except OSError:
        return ""
    found = re.search(rf"^([0-9a-f]+) {re.escape(name)}$", packed, re.MULTILINE)
    return found[1] if found else ""
