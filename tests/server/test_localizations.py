"""The page's languages, and what extensions add to them."""

import json
from pathlib import Path

import pytest

from modules.contract.errors import NotFound
from modules.server.localizations import Localizations


def written(folder: Path, name: str, texts: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(texts if isinstance(texts, str) else json.dumps(texts), "utf8")
    return folder


def test_extensions_add_words_and_replace_none(tmp_path: Path) -> None:
    core = written(tmp_path / "core", "日本語", {"Steps": "ステップ"})
    first = written(tmp_path / "first", "日本語", {"Steps": "no", "Weight": "重み", "rtl": True})
    second = written(tmp_path / "second", "日本語", {"Weight": "other", "Unit": "ユニット"})
    found = Localizations([core], lambda: [first, second]).read("日本語")
    assert found == {"language": "ja", "texts": {"Steps": "ステップ", "Weight": "重み", "Unit": "ユニット"}}


def test_a_broken_file_of_an_extension_takes_no_other_words_away(tmp_path: Path) -> None:
    core = written(tmp_path / "core", "日本語", {"Steps": "ステップ"})
    broken = written(tmp_path / "broken", "日本語", "{")
    assert Localizations([core], lambda: [broken]).read("日本語")["texts"] == {"Steps": "ステップ"}


def test_an_extension_makes_no_language_of_its_own(tmp_path: Path) -> None:
    core = written(tmp_path / "core", "日本語", {})
    other = written(tmp_path / "other", "Klingon", {"Steps": "mIw"})
    languages = Localizations([core], lambda: [other])
    assert languages.names() == ["日本語"]
    with pytest.raises(NotFound):
        languages.read("Klingon")
