"""The measurement before the start, and the album in the loop: real steps on a tiny model with a real adapter."""

from pathlib import Path
from typing import Any

import pytest
import torch

from modules.contract.errors import OutOfMemory
from modules.contract.request import Size
from modules.datasets.buckets import Rules, bucket_of
from modules.datasets.scan import scan
from modules.training.data.album import make_album
from modules.training.planning import fit
from modules.training.planning.fit import NoPictures, measure
from modules.training.runs.run_folder import RunFolder
from modules.training.steps.loop import train
from modules.training.steps.processes import Ranks
from tests.training import made
from tests.training.pictures import SIZES, Told, folder_of, request_for

ALONE = Ranks(0, 1, torch.device("cpu"))


def decided(folder: Path, **values: Any) -> Any:
    usual: dict[str, Any] = {"name": "zorg", "network": {"rank": 4, "alpha": 4.0}, "samples": {"on": False, "width": 64, "height": 64}}
    return request_for(folder, **{**usual, **values})


def test_what_it_takes_is_measured_on_the_largest_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = decided(folder_of(tmp_path / "data", sizes=SIZES), data={"bucket_step": 32, "bucket_least": 32}, steps={"steps": 100})
    components, trainable = made.ready(tmp_path, "sd1", request)
    seen: list[tuple[int, ...]] = []
    learned = fit.learn

    def watched(session: Any, step: int) -> None:
        seen.extend(tuple(batch.targets[0]) for batch in session.album.batches(step, 0, 1))
        learned(session, step)

    monkeypatch.setattr(fit, "learn", watched)
    found = measure(request, RunFolder(tmp_path / "fit"), components, trainable, scan(request.data.folders), ALONE)
    rules = Rules.of(request.data, 64)
    sizes = [bucket_of(Size(*size), rules) for size in SIZES]
    assert set(seen) == {max(((size.height, size.width) for size in sizes), key=lambda size: size[0] * size[1])}
    assert len(seen) == 3
    assert found.memory is not None and found.memory_all is not None and found.memory < found.memory_all
    assert found.seconds >= 100 * found.seconds_per_step > 0
    assert found.disk.total > 0 and found.disk_free > 0 and not found.tight


def test_class_pictures_double_the_batches_of_a_step(tmp_path: Path) -> None:
    request = decided(folder_of(tmp_path / "data"), prior={"on": True, "prompt": "a dog"}, steps={"accumulation": 2})
    components, trainable = made.ready(tmp_path, "sd1", request)
    seen: list[int] = []
    losses = fit.Largest.batches

    class Counted(fit.Largest):
        def batches(self, step: int, rank: int, world: int) -> Any:
            found = losses(self, step, rank, world)
            seen.append(len(found))
            return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "Largest", Counted)
        measure(request, RunFolder(tmp_path / "fit"), components, trainable, scan(request.data.folders), ALONE)
    assert set(seen) == {4}


def test_memory_that_does_not_suffice_is_told_with_what_to_try(tmp_path: Path) -> None:
    request = decided(folder_of(tmp_path / "data"))
    components, trainable = made.ready(tmp_path, "sd1", request)

    def too_large(*_: object) -> None:
        raise torch.OutOfMemoryError("Tried to allocate 20 GiB")

    components.unet.register_forward_pre_hook(too_large)
    with pytest.raises(OutOfMemory, match=r"memory"):
        measure(request, RunFolder(tmp_path / "fit"), components, trainable, scan(request.data.folders), ALONE)


def test_the_loop_takes_an_album_from_the_folder_to_the_file(tmp_path: Path) -> None:
    """Pictures of two sizes, an adapter, the loop; long enough to see the loss with frozen noise fall."""
    folder = folder_of(tmp_path / "data", 2, sizes=SIZES[:2])
    request = decided(
        folder,
        steps={"steps": 16, "batch": 1},
        optimizer={"rate": 5e-3},
        watch={"probe_every": 16},
        network={"rank": 8, "alpha": 8},
    )
    components, trainable = made.ready(tmp_path, "sd1", request)
    run = RunFolder(tmp_path / "run")
    album = make_album(request, components, run, scan(request.data.folders), Told(), text_trained=trainable.text)
    end = train(request, run, components, trainable, album, NoPictures(), ALONE)
    probes = [event["train"] for event in run.events()[0] if event["kind"] == "probe"]
    assert end.state == "done" and end.file is not None and end.file.is_file()
    assert probes[-1] < 0.97 * probes[0]
