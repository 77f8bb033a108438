"""A git repository on this machine, for tests that clone."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="this machine has no git")
WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org",
       "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}  # fmt: skip


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    answer = subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **WHO}, check=True, capture_output=True, text=True)
    return answer.stdout.strip()


def repository(folder: Path) -> str:
    """Make a folder a repository with one commit; its address."""
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "First words")
    return folder.as_uri()


def commit(folder: Path, subject: str) -> str:
    """Commit all that changed; the commit."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", subject)
    return git(folder, "rev-parse", "HEAD")


def set_version(folder: Path, version: str) -> None:
    """Have an extension's manifest say another version."""
    manifest = folder / "extension.toml"
    lines = [f'version = "{version}"' if line.startswith("version") else line for line in manifest.read_text("utf8").splitlines()]
    manifest.write_text("\n".join(lines) + "\n", "utf8")
