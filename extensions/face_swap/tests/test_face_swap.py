"""Face swap on real photographs, and in a pipeline over tiny networks."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

from extensions.face_swap import FaceSwap
from extensions.face_swap.faces import Pairs, in_order, numbers, sources_of
from extensions.face_swap.routes import Asked, swapped_picture
from extensions.face_swap.swapping import Source, swapped
from extensions.face_swap.work import with_faces
from modules.contract.errors import BadRequest, NotSupported
from modules.contract.request import GenerationRequest, Size, SourceImage
from modules.contract.services import Folders
from modules.perception.found import Pixels
from modules.perception.mesh import meshes, yaw
from modules.pipeline.manager import PipelineManager
from modules.plugins.host import Host
from modules.plugins.loader import Loaded, load
from modules.plugins.registry import Registry
from tests.pipeline.pictures import Counting, file

FOLDER = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Wishes:
    order: str = "left to right"
    threshold: float = 0.5
    most: int = 0
    mask_correction: bool = True
    turned: str = "mirror"


@cache
def astronaut() -> Pixels:
    """Eileen Collins, looking into the camera; NASA, public domain."""
    return np.asarray(skimage.data.astronaut())


def darker(image: Pixels) -> Pixels:
    """The same in another light, as in a mirror: a target that differs."""
    return np.ascontiguousarray(np.clip(image[:, ::-1] * np.array([0.55, 0.6, 0.8]), 0, 255).astype(np.uint8))


@cache
def source() -> Mapping[int, Source]:
    return sources_of(astronaut(), (0,), "left to right", 0.5)


def test_only_the_face_changes_and_the_rest_stays_byte_for_byte() -> None:
    target = darker(astronaut())
    (face,) = in_order(target, "left to right", 0.5)
    result = with_faces(target, source(), Pairs((0,), (0,)), Wishes())
    changed = (result.image != target).any(2)
    assert changed.sum() > 0.3 * (result.mask() > 0).sum()
    assert not (changed & (result.mask() == 0)).any()
    assert face.box[0] < np.nonzero(changed)[1].mean() < face.box[2]
    assert not result.warnings


def test_the_face_takes_the_targets_light() -> None:
    target = darker(astronaut())
    inside = with_faces(target, source(), Pairs((0,), (0,)), Wishes())
    mask = inside.mask() > 0
    given, before, after = (image[mask].mean(0) for image in (astronaut()[:, ::-1], target, inside.image))
    assert np.abs(after - before).max() < 8 < np.abs(given - before).max()


def test_the_face_keeps_its_place_and_way() -> None:
    target = darker(astronaut())
    (before,), (after,) = meshes(target), meshes(with_faces(target, source(), Pairs((0,), (0,)), Wishes()).image)
    assert before.landmarks is not None and after.landmarks is not None
    apart = np.linalg.norm(before.landmarks[:, :2] - after.landmarks[:, :2], axis=1)
    assert apart.mean() < 0.03 * (before.box[2] - before.box[0])


def test_a_face_of_its_own_comes_back_nearly_as_it_was() -> None:
    """The same picture as source and target: what differs is the blending's."""
    result = with_faces(astronaut(), source(), Pairs((0,), (0,)), Wishes())
    mask = result.mask() > 0
    assert np.abs(result.image[mask].astype(int) - astronaut()[mask]).mean() < 3


def test_faces_are_counted_from_left_to_right_and_named_ones_alone_are_swapped() -> None:
    pair = np.concatenate([astronaut(), darker(astronaut())], axis=1)
    assert [one.middle[0] > 512 for one in in_order(pair, "left to right", 0.5)] == [False, True]
    assert [one.middle[0] > 512 for one in in_order(pair, "right to left", 0.5)] == [True, False]
    result = with_faces(pair, source(), Pairs((0,), (1,)), Wishes())
    assert (result.image[:, :512] == pair[:, :512]).all()
    assert (result.image[:, 512:] != pair[:, 512:]).any()
    assert len(in_order(pair, "left to right", 0.5, most=1)) == 1


def test_missing_faces_are_named() -> None:
    result = with_faces(astronaut(), source(), Pairs((0,), (0, 3)), Wishes())
    assert len(result.done) == 1
    assert result.warnings == ["Face swap: there is no face 3 in the picture; it has 1, numbered from 0."]
    empty = with_faces(np.full((256, 256, 3), 90, np.uint8), source(), Pairs((0,), (0,)), Wishes())
    assert empty.warnings == ["Face swap: no face was found in the picture."]
    with pytest.raises(BadRequest, match="no face in the source picture"):
        sources_of(np.full((256, 256, 3), 90, np.uint8), (0,), "left to right", 0.5)
    with pytest.raises(BadRequest, match="no face 2; it has 1"):
        sources_of(astronaut(), (2,), "left to right", 0.5)


def test_a_face_that_looks_far_away_is_left_or_swapped_with_a_word() -> None:
    camera = np.repeat(np.asarray(skimage.data.camera())[..., None], 3, axis=2)
    (face,) = in_order(camera, "left to right", 0.5)
    assert face.landmarks is not None
    assert 35 < abs(yaw(face.landmarks)) < 60
    left = with_faces(camera, source(), Pairs((0,), (0,)), Wishes(turned="leave"))
    assert (left.image == camera).all()
    assert "degrees away from where the source looks, and was left as it is" in left.warnings[0]
    done = with_faces(camera, source(), Pairs((0,), (0,)), Wishes())
    assert (done.image != camera).any()
    assert "its likeness suffers" in done.warnings[0] or "mirrored" in done.warnings[0]
    assert np.ptp(done.image, axis=2).max() <= 6  # a grey photograph stays grey
    profile = sources_of(camera, (0,), "left to right", 0.5)  # which hides half of its face
    kept = with_faces(astronaut(), profile, Pairs((0,), (0,)), Wishes())
    assert (kept.image == astronaut()).all()
    assert "was left as it is" in kept.warnings[0]


def test_a_half_that_the_source_hides_comes_from_its_other_half() -> None:
    """Of a source that looks into the camera both halves are as good: the result lies between it and its mirror image."""
    (face,) = in_order(astronaut(), "left to right", 0.5)
    assert face.landmarks is not None
    both = swapped(astronaut(), face.landmarks, source()[0], halves=True)
    one = swapped(astronaut(), face.landmarks, source()[0])
    other = swapped(astronaut(), face.landmarks, source()[0], mirrored=True)
    mask = face.mask is not None and face.mask > 0
    away = [np.abs(both[mask].astype(int) - each[mask]).mean() for each in (one, other)]
    assert 0 < max(away) < np.abs(one[mask].astype(int) - other[mask]).mean()


@pytest.mark.parametrize("text", ["", "a", "0;1", "-1", "0,1.5", "1" * 9])
def test_face_numbers_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="numbers from 0 with commas"):
        numbers(text, "Target face numbers")


def test_sources_begin_anew_when_there_are_too_few() -> None:
    assert numbers(" 0, 2,1 ", "") == (0, 2, 1)
    assert Pairs((5, 6), (0, 2, 1)).of(3) == [(5, 0), (6, 2), (5, 1)]
    assert Pairs((5, 6), (0, 2, 1)).of(2) == [(5, 0), (5, 1)]


# In the pipeline


@dataclass
class Program:
    """As much of a program as face swap asks."""

    folders: Folders
    agreed: bool = True
    blurred: bool = False  # as its content screen leaves pictures
    kept: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def screened(self, image: Image.Image) -> Image.Image:
        return Image.new("RGB", image.size) if self.blurred else image

    def picture(self, reference: str) -> bytes:
        return self.kept[reference]

    def choices(self, kind: str) -> Sequence[str]:
        return ()


def registry(program: Program) -> Registry:
    found = Registry([load(FOLDER)])
    assert found.rows[0].problem is None, found.rows[0].problem

    def host(row: Loaded, settings: Mapping[str, Any] | None = None) -> Host:
        assert row.extension is not None
        return Host(row.name, FOLDER, program, lambda: row.extension and row.extension.Settings(consent=program.agreed))  # type: ignore[arg-type]

    found.hosts = host
    return found


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(Folders(tmp_path, tmp_path / "models", tmp_path / "outputs"))


@pytest.fixture
def swapping(pipeline: PipelineManager, program: Program, monkeypatch: pytest.MonkeyPatch) -> PipelineManager:
    """A pipeline with face swap alone."""
    monkeypatch.setattr(pipeline, "relays", registry(program).instances)
    return pipeline


def request(**options: Any) -> GenerationRequest:
    """An img2img that changes nothing, so that there is a face in the tiny pipeline's picture."""
    photograph = file(Image.fromarray(darker(astronaut())).resize((256, 256)))
    return GenerationRequest(
        size=Size(256, 256), steps=1, seed=3, source=SourceImage(pictures=(photograph,), strength=0), save=False,
        extensions={"face_swap": {"source": file(Image.fromarray(astronaut())), "blending": 0, **options}},
    )  # fmt: skip


def given_back(manager: PipelineManager, picture: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the tiny network's decoder answer with a photograph: faces are what this is about."""
    monkeypatch.setattr("modules.pipeline.generate.decode", lambda run, latents, loaded: [picture for _ in run.seeds])


def test_what_the_route_answers_is_screened(program: Program) -> None:
    program.blurred = True
    program.kept = {"a": file(Image.fromarray(astronaut())), "b": file(Image.fromarray(darker(astronaut())))}
    host = Host("face_swap", FOLDER, program, lambda: FaceSwap.Settings(consent=True))  # type: ignore[arg-type]
    answer = swapped_picture(host, Asked(source="a", target="b"))
    shown = Image.open(io.BytesIO(base64.b64decode(answer["image"].partition(",")[2])))
    assert shown.size == (512, 512) and not np.asarray(shown).any()


def test_the_picture_is_swapped_and_says_so(swapping: PipelineManager, monkeypatch: pytest.MonkeyPatch) -> None:
    target = darker(astronaut())[::2, ::2].copy()
    given_back(swapping, target, monkeypatch)
    (one,) = swapping.generate(request(), Counting()).images
    assert (np.asarray(one.image) != target).any()
    assert "Face swap: " in one.infotext
    assert "Model: mesh" in one.infotext
    assert "Swapped: 1" in one.infotext


def test_where_no_face_is_found_the_infotext_says_so_too(swapping: PipelineManager, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = np.full((256, 256, 3), 90, np.uint8)
    given_back(swapping, empty, monkeypatch)
    result = swapping.generate(request(), Counting())
    assert (np.asarray(result.images[0].image) == empty).all()
    assert "Swapped: 0" in result.images[0].infotext
    assert result.warnings == ("Face swap: no face was found in the picture.",)


def test_blending_paints_the_face_alone(swapping: PipelineManager, monkeypatch: pytest.MonkeyPatch) -> None:
    target = darker(astronaut())[::2, ::2].copy()
    asked: list[GenerationRequest] = []
    expected = with_faces(target, source(), Pairs((0,), (0,)), Wishes())

    def redo(run: Any, again: GenerationRequest) -> list[Image.Image]:
        asked.append(again)
        return [Image.open(io.BytesIO(again.source.pictures[0])).copy()] if again.source else []

    given_back(swapping, target, monkeypatch)
    monkeypatch.setattr(swapping.tools, "redo", redo)
    (one,) = swapping.generate(request(blending=0.2), Counting()).images
    (again,) = asked
    assert again.source is not None and again.source.inpaint is not None
    assert (again.source.strength, again.source.inpaint.only_masked, again.extensions) == (0.2, True, {})
    mask = np.asarray(Image.open(io.BytesIO(again.source.inpaint.mask)).convert("L"))
    assert (mask == expected.mask()).all()
    assert (np.asarray(one.image) == expected.image).all()


def test_blending_runs_within_the_run_and_keeps_the_rest(swapping: PipelineManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real second run; its decoder answers with plain red, which may show in the face and its soft edge alone."""
    target, red = darker(astronaut())[::2, ::2].copy(), np.full((256, 256, 3), (255, 0, 0), np.uint8)
    answers = [target, red]
    monkeypatch.setattr("modules.pipeline.generate.decode", lambda run, latents, loaded: [answers.pop(0)])
    result = np.asarray(swapping.generate(request(blending=0.2), Counting()).images[0].image).astype(int)
    mask = with_faces(target, source(), Pairs((0,), (0,)), Wishes()).mask()
    left, top, right, bottom = Image.fromarray(mask).getbbox() or (0, 0, 0, 0)
    assert (result[(top + bottom) // 2, (left + right) // 2] == (255, 0, 0)).all()
    far = np.ones_like(mask, bool)
    far[max(top - 40, 0) : bottom + 40, max(left - 40, 0) : right + 40] = False
    assert (result[far] == target[far]).all()


def test_the_source_picture_is_swapped_before_it_is_painted(swapping: PipelineManager, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Pixels] = []
    monkeypatch.setattr("modules.pipeline.generate.decode", lambda run, latents, loaded: [
        seen.append(np.asarray(run.prepared.pictures[0])) or np.full((256, 256, 3), 90, np.uint8)])  # fmt: skip
    (one,) = swapping.generate(request(swap_in_source=True, swap_in_generated=False), Counting()).images
    plain = np.asarray(Image.fromarray(darker(astronaut())).resize((256, 256)))
    assert (seen[0] != plain).any()
    assert "Swapped: 1" in one.infotext


def test_nothing_is_swapped_before_the_notice_is_agreed_to(swapping: PipelineManager, program: Program) -> None:
    program.agreed = False
    with pytest.raises(NotSupported, match="its notice has not been agreed to"):
        swapping.check(request())


def test_what_cannot_be_done_is_refused_at_the_door(swapping: PipelineManager) -> None:
    with pytest.raises(BadRequest, match="there is no source picture"):
        swapping.check(request(source=None))
    with pytest.raises(BadRequest, match="Target face numbers is 'x'"):
        swapping.check(request(target_faces="x"))
    with pytest.raises(NotSupported, match=r"no inswapper_128\.onnx and no w600k_r50\.onnx in models/insightface"):
        swapping.generate(request(model="inswapper"), Counting())


def test_a_picture_that_could_not_say_so_is_not_made(swapping: PipelineManager) -> None:
    hidden = replace_settings(request(), {"enable_pnginfo": False})
    with pytest.raises(BadRequest, match="without their infotext"):
        swapping.generate(hidden.replace(save=True), Counting())


def replace_settings(asked: GenerationRequest, settings: dict[str, Any]) -> GenerationRequest:
    return asked.replace(settings=settings)


def test_the_infotext_brings_the_options_back(program: Program) -> None:
    kind = registry(program).rows[0].extension
    assert kind is not None
    options = kind.Options(source=b"x", target_faces="0,2,1", order="large to small", blending=0.3, mask_correction=False)  # type: ignore[call-arg]
    notes = kind.notes(options, "Face swap")
    assert set(notes) == {"Face swap"}
    found = kind.options_from({"Face swap": str(notes["Face swap"])}, "Face swap")
    assert kind.Options(**(found or {})) == replace_source(options)


def replace_source(options: Any) -> Any:
    return options.model_copy(update={"source": None})


def test_the_list_of_roop_is_understood(program: Program) -> None:
    script = registry(program).script("roop", "txt2img", always_on=True)
    picture = file(Image.fromarray(astronaut()[:64, :64]))
    options = script.options([picture, True, "0,1", "None", "CodeFormer", 0.5, "None", 1, 1, False, True], {})
    assert options is not None
    assert (options["target_faces"], options["source_faces"]) == ("0,1", "0,0")
    assert (options["restorer"], options["restorer_visibility"], options["model"]) == ("CodeFormer", 0.5, "mesh")
    assert script.options([picture, False], {}) is None
    with pytest.raises(BadRequest, match="does not enlarge"):
        script.options([picture, True, "0", None, "None", 1, "ESRGAN_4x"], {})


def test_a_picture_keeps_what_it_said_and_is_told_of_the_swap(program: Program) -> None:
    from extensions.face_swap.routes import Asked, swapped_picture
    from modules.imaging import metadata

    text = "a portrait\nSteps: 20, Sampler: Euler a, Seed: 1"
    program.kept = {
        "one": file(Image.fromarray(astronaut())),
        "two": metadata.encode(Image.fromarray(darker(astronaut())), format="png", infotext=text),
    }
    host = registry(program).hosts(registry(program).rows[0], {})
    assert host is not None
    answer = swapped_picture(host, Asked(source="one", target="two"))
    assert answer["swapped"] == 1
    assert answer["infotext"] == f'{text}, Face swap: "Model: mesh, Swapped: 1"'
    program.agreed = False
    with pytest.raises(NotSupported):
        swapped_picture(host, Asked(source="one", target="two"))


