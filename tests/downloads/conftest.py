"""A site of one's own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.downloads.sources import Preferences, Sources, Tokens
from tests.downloads.site import Site


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def sources(site: Site, tmp_path: Path) -> Sources:
    """Asks the site in place of both real ones."""
    return Sources(Tokens(tmp_path / "tokens.json"), lambda: Preferences(site.hub, site.bay), seconds=5)
