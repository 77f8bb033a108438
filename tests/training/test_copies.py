"""Samples that are nearly a picture that was trained on are told; other drawings, and what was asked for by its caption, are not."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from modules.contract.request import GenerationRequest, Size
from modules.contract.result import GeneratedImage, GenerationResult
from modules.contract.training import DatasetFolder, TrainingRequest
from modules.datasets.buckets import Rules, bucket_of
from modules.datasets.scan import scan
from modules.demo import figures, lessons, palette
from modules.demo.drawing import OVERSAMPLING, background, put, smaller
from modules.imaging.metadata import encode
from modules.training.runs.copies import Copies, Shown, told
from modules.training.runs.launch import Launch
from modules.training.runs.listing import Listing
from modules.training.runs.queue import Around, Runs
from modules.training.runs.run_folder import RunFolder
from modules.training.runs.samples import Samples

SQUARE = Rules(128, least=64, most=256)


def again(image: Image.Image, cut: float = 1.04, quality: int = 70) -> Image.Image:
    """A picture cut a little at its edges, smaller by an eighth, as JPEG."""
    width, height = round(image.width / cut), round(image.height / cut)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    small = image.crop((left, top, left + width, top + height)).resize((image.width * 7 // 8, image.height * 7 // 8))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def drawing(thing: str, seed: int) -> Image.Image:
    """One of the demo's things as its lessons draw them, in colours and at a place of its own."""
    rng = np.random.default_rng((77, seed))
    colour = str(rng.choice(palette.NAMES))
    behind = str(rng.choice([name for name in ("white", "black", "blue", "yellow", "green", "pink") if name != colour]))
    canvas = background(behind, 128 * OVERSAMPLING, rng)
    x, y = 0.5 + rng.uniform(-0.03, 0.03, 2)
    shape = (lessons.NEW.get(thing) or figures.THINGS[thing])()
    put(canvas, shape, colour, x, y, 0.31 * rng.uniform(0.94, 1.06), outlined=False, rng=rng)
    return Image.fromarray(smaller(canvas, 128))


def copies_of(folder: Path, images: Sequence[Image.Image], *, mirrored: bool = False, captions: Sequence[str] = ()) -> Copies:
    """A training's pictures."""
    data = folder / "data"
    data.mkdir(parents=True)
    for number, image in enumerate(images):
        image.save(data / f"{number:02}.png")
    items = scan([DatasetFolder(folder=str(data))]).items
    shown = [
        Shown(item, bucket_of(item.size, SQUARE), captions[number] if captions else f"caption {number}")
        for number, item in enumerate(items)
    ]
    return Copies(RunFolder(folder / "run"), shown, background="#ffffff", mirrored=mirrored)


def lesson(name: str) -> list[Image.Image]:
    return [Image.fromarray(one.picture) for one in lessons.LESSONS[name]()]


@pytest.mark.parametrize("name", ["mushroom", "dusk", "cottage", "umbrella"])
def test_each_picture_smaller_cut_and_as_jpeg_is_known_again(tmp_path: Path, name: str) -> None:
    images = lesson(name)
    copies = copies_of(tmp_path, images)
    found = [copies.of(again(image)) for image in images]
    assert [one and one[0] for one in found] == [*range(len(images))]


@pytest.mark.parametrize("name", ["mushroom", "umbrella"])
def test_drawings_of_other_things_are_none_and_of_the_same_thing_hardly_any(tmp_path: Path, name: str) -> None:
    copies = copies_of(tmp_path, lesson(name))
    others = [drawing(thing, seed) for thing in ("house", "star", "tree") for seed in range(30)]
    assert sum(copies.of(image) is not None for image in others) == 0
    same = [copies.of(drawing(name, seed)) for seed in range(100)]
    assert sum(one is not None for one in same) <= 8  # those in the colours of one of the set, on the same ground


def test_where_all_are_nearly_one_picture_a_new_one_of_them_is_no_copy(tmp_path: Path) -> None:
    *learned, new = lesson("charm")
    copies = copies_of(tmp_path, learned)
    assert copies.of(new) is None
    assert copies.of(again(learned[0], cut=1.0)) is not None
    assert max(copies.apart(one) for one in range(len(learned))) < 16


def test_a_picture_that_lies_there_twice_is_told_all_the_same(tmp_path: Path) -> None:
    images = lesson("mushroom")
    assert copies_of(tmp_path, [*images, images[3]]).of(again(images[3])) is not None


def test_pictures_are_compared_as_they_are_shown(tmp_path: Path) -> None:
    wide = Image.new("RGB", (200, 128), (90, 20, 20))
    wide.paste(lesson("mushroom")[0], (0, 0))
    copies = copies_of(tmp_path, [wide, *lesson("cottage")])
    shown = copies.fitted(copies.shown[0])
    assert shown.size == (128, 128) and copies.of(again(shown, cut=1.0)) is not None
    assert copies.of(again(wide, cut=1.0)) is None
    assert len(json.loads((copies.run.cache / "looks.json").read_bytes())) == 1  # the others are as the scan has them


def test_what_is_shown_mirrored_is_known_mirrored(tmp_path: Path) -> None:
    first, *others = lesson("cottage")
    tilted = first.rotate(15, fillcolor=first.getpixel((0, 0)))
    upright, both = (copies_of(tmp_path / name, [tilted, *others], mirrored=name == "both") for name in ("upright", "both"))
    assert upright.of(ImageOps.mirror(tilted)) is None
    assert both.of(ImageOps.mirror(tilted)) is not None and both.of(again(tilted)) is not None


def test_it_is_told_once_with_the_picture_beside_it_and_never_for_its_own_caption(tmp_path: Path) -> None:
    images = lesson("mushroom")
    copies = copies_of(tmp_path, images, captions=[one.caption for one in lessons.LESSONS["mushroom"]()])
    run, caption = copies.run, copies.shown[2].caption
    assert copies.check(40, 0, caption.upper(), again(images[2])) is None  # that is what was asked for
    assert copies.check(0, 0, "a mushroom", again(images[2])) is None  # nothing was learned yet
    found = copies.check(40, 0, "a mushroom", again(images[2]))
    assert found is not None and found.picture == "0/02.png" and found.levels < found.allowed
    with Image.open(run.copies / "00000040-0.png") as kept:
        assert np.array_equal(np.asarray(kept), np.asarray(images[2]))
    copies.check(50, 0, "a mushroom", again(images[3]))
    told_of = [event for event in run.events()[0] if event["kind"] == "copied"]
    assert [(event["step"], "02.png" in event["text"]) for event in told_of] == [(40, True)]
    for step, copy in ((0, None), (40, {"picture": "0/02.png"}), (50, None)):
        run.tell("sample", step=step, prompt=0, **({"copy": copy} if copy else {}))
    assert told(run) == " 1 of its 2 samples are nearly pictures that it was trained on."


def test_a_sample_s_event_and_the_page_s_list_say_what_it_is_nearly(tmp_path: Path) -> None:
    images = lesson("mushroom")
    copies = copies_of(tmp_path, images)
    request = TrainingRequest(name="cat")
    painted = {"a mushroom": again(images[5]), "a star": drawing("star", 2)}

    def generate(asked: GenerationRequest) -> GenerationResult:
        prompt = asked.prompt.partition(" <")[0]
        return GenerationResult((GeneratedImage(painted[prompt], 1, 0, prompt, "", prompt),), ())

    file = tmp_path / "file.safetensors"
    file.write_bytes(b"tensors")
    Samples(copies.run, request, [*painted], Size(128, 128), "base", generate, lambda: None, copies).sample(40, file)
    runs = Runs(tmp_path, Around(lambda run: Launch(())))
    copies.run.write_request(request)
    listed = Listing(runs).details(copies.run, here=False)["samples"]
    assert [(one["text"], one["copy"] and one["copy"]["picture"]) for one in listed] == [("a mushroom", "0/05.png"), ("a star", None)]
    assert [path.name for path in copies.run.copies.iterdir()] == ["00000040-0.png"]


def test_what_the_checkpoint_drew_before_is_not_learned_by_heart(tmp_path: Path) -> None:
    images = lesson("mushroom")
    copies = copies_of(tmp_path, images)
    copies.run.samples.mkdir(parents=True)
    (copies.run.samples / "00000000-1.png").write_bytes(encode(images[2], format="png", infotext=""))
    assert copies.check(40, 1, "a mushroom", again(images[2])) is None
    assert copies.check(40, 1, "a mushroom", again(images[4])) is not None


def test_a_picture_that_was_taken_away_is_passed_over(tmp_path: Path) -> None:
    images = [image.crop((0, 0, 128, 100)) for image in lesson("mushroom")]
    copies = copies_of(tmp_path, images)
    assert {one.size for one in copies.shown} == {Size(128, 128)}  # cut, so that they are opened again
    copies.shown[0].item.path.unlink()
    assert copies.known[0].tolist() == [*range(1, 12)]
