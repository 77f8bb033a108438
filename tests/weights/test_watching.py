"""Seeing that a model has come or gone."""

from pathlib import Path

from modules.weights.watching import stamp_of_folders


def test_a_file_that_comes_or_goes_anywhere_below_changes_the_stamp(tmp_path: Path) -> None:
    inner = tmp_path / "style" / "old"
    inner.mkdir(parents=True)
    empty = stamp_of_folders([tmp_path])
    (inner / "new.safetensors").write_bytes(b"1")
    filled = stamp_of_folders([tmp_path])
    assert len({empty, filled}) == 2
    assert stamp_of_folders([tmp_path]) == filled
    (inner / "new.safetensors").unlink()
    assert stamp_of_folders([tmp_path]) != filled


def test_a_folder_that_is_not_there_is_as_an_empty_one(tmp_path: Path) -> None:
    assert stamp_of_folders([tmp_path / "nowhere"]) == stamp_of_folders([])
