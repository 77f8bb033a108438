"""What is committed names no folder and no package server of the machine that it was written on."""

import re
import subprocess

import pytest

from tests.guards.sources import ROOT

PATTERNS = {
    "a folder of one machine": r"(?<![\w.:/])/(?:work|root|opt|mnt|srv|Users|home)/(?!(?:me|you|user|someone)\b)[\w.-]+",
    "a folder of one machine, as Windows writes it": r"\b[A-Za-z]:\\{1,2}Users\\",
    "a package server": r"https?://[\w.:@-]*\b(?:pypi|npm|registry|mirror|artifactory|nexus|devpi)\b[\w./-]*",
    "a package server chosen for everyone": r"(?:extra-)?index-url *= *\S|^ *registry *=",
}


def tracked() -> list[str]:
    """Files that are committed or about to be."""
    answer = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True)
    if answer.returncode != 0:
        pytest.skip("not a git repository")
    return [name for name in answer.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_tracked_file_names_this_machine() -> None:
    names = tracked()
    assert len(names) > 60
    found: list[str] = []
    for name in names:
        data = (ROOT / name).read_bytes()
        if b"\0" in data[:8192] or name == "tests/guards/test_no_machine_paths.py":
            continue
        text = data.decode("utf8", "replace")
        for what, pattern in PATTERNS.items():
            found += [f"{name}: {match[0]} ({what})" for match in re.finditer(pattern, text, re.MULTILINE)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text", ["cd /mnt/disk/checkout", '"/home/anna/models"', "C:\\Users\\somebody", "https://pypi.example.org/simple", "registry = example"]
)
def test_a_planted_path_is_found(text: str) -> None:
    assert any(re.search(pattern, text, re.MULTILINE) for pattern in PATTERNS.values())
