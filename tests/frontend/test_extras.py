"""The Extras tab without a browser: what its form asks for, and who may name a directory."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from modules.contract.errors import BadRequest, NotSupported
from modules.contract.extras import MOST_PICTURES, Enlarging, ExtrasRequest, FaceRestoring, FocalCrop, SizedCrop, Splitting
from modules.contract.request import Size
from modules.frontend.notices import Notices
from modules.frontend.services import Finishing, Picture
from modules.frontend.tabs.extras import ExtrasFields, ExtrasTab, checked, pictures_of, request_of
from modules.frontend.toolkit import gr

SINGLE: dict[str, Any] = {"mode": "single", "to_size": False, "local": True}
HERE = cast(Any, SimpleNamespace(client=SimpleNamespace(host="127.0.0.1")))
ELSEWHERE = cast(Any, SimpleNamespace(client=SimpleNamespace(host="192.168.1.20")))


def asked(values: dict[str, Any], **how: Any) -> ExtrasRequest:
    return request_of(checked({**ExtrasFields().model_dump(), **values}), **{**SINGLE, **how})


def test_the_form_as_it_starts_enlarges_four_times_and_does_nothing_else() -> None:
    assert asked({}) == ExtrasRequest(enlarging=Enlarging(scale=4))


def test_scale_to_gives_the_size_and_not_the_factor() -> None:
    enlarging = asked({"width": 1024, "height": 768, "crop": False, "scale": 3}, to_size=True).enlarging
    assert enlarging == Enlarging(size=Size(1024, 768), crop=False)


def test_every_operation_that_is_on_is_asked_for_with_its_values() -> None:
    made = asked(
        {
            "upscaler": "Lanczos", "second": "Nearest", "second_visibility": 0.5, "longest_side": 4096,
            "gfpgan": True, "gfpgan_visibility": 0.7, "codeformer": True, "codeformer_visibility": 0.6, "codeformer_weight": 0.3,
            "split": True, "split_threshold": 0.4, "split_overlap": 0.1,
            "focal": True, "focal_face": 0.8, "focal_entropy": 0.2, "focal_edges": 0.3, "focal_debug": True,
            "sized": True, "sized_aim": "Minimize error", "sized_threshold": 0.2,
            "flip": True, "flips": ["Both", "Vertical"], "caption": True, "captions": ["BLIP"],
        }
    )  # fmt: skip
    assert made.enlarging == Enlarging(upscaler="Lanczos", second="Nearest", second_visibility=0.5, scale=4, longest_side=4096)
    assert made.gfpgan == FaceRestoring(visibility=0.7)
    assert made.codeformer == FaceRestoring(visibility=0.6, weight=0.3)
    assert made.splitting == Splitting(threshold=0.4, overlap=0.1)
    assert made.focal_crop == FocalCrop(face_weight=0.8, entropy_weight=0.2, edges_weight=0.3, show=True)
    assert made.sized_crop == SizedCrop(aim="Minimize error", threshold=0.2)
    assert (made.flips, made.captions) == (("Both", "Vertical"), ("BLIP",))


def test_what_is_off_is_left_out_whatever_its_values_are() -> None:
    made = asked({"upscale": False, "gfpgan_visibility": 0.2, "split_threshold": 0.9, "flips": ["Both"]})
    assert made == ExtrasRequest()


def test_a_value_out_of_bounds_is_named_by_its_label() -> None:
    with pytest.raises(BadRequest, match="Width is 9000; it must be at most 8192"):
        asked({"width": 9000})
    with pytest.raises(BadRequest, match="Max side length is None"):
        asked({"longest_side": None})


def test_a_directory_is_read_only_for_a_person_at_this_machine() -> None:
    values = {"input_folder": " in ", "output_folder": "outputs/mine", "show": False}
    made = asked(values, mode="directory")
    assert (made.folder, made.output_folder, made.show, made.keep_names) == ("in", "outputs/mine", False, True)
    with pytest.raises(NotSupported, match="only on the machine"):
        asked(values, mode="directory", local=False)


def test_directories_of_the_form_are_ignored_in_the_other_modes() -> None:
    made = asked({"input_folder": "in", "output_folder": "out", "show": False}, mode="batch")
    assert (made.folder, made.output_folder, made.show) == ("", "", True)


def test_a_directory_must_be_named() -> None:
    with pytest.raises(BadRequest, match="no input directory"):
        asked({"input_folder": " "}, mode="directory")


def test_too_many_pictures_are_refused() -> None:
    with pytest.raises(BadRequest, match="too many"):
        pictures_of([{"id": "a", "name": "b"}] * (MOST_PICTURES + 1))


class Desk:
    """Takes jobs in the queue's place."""

    def __init__(self) -> None:
        self.taken: list[tuple[ExtrasRequest, list[Picture], str]] = []

    def submit(self, request: ExtrasRequest, pictures: Any, owner: str) -> str:
        self.taken.append((request, list(pictures), owner))
        return "job-1"


def tab_of(desk: Desk) -> ExtrasTab:
    with gr.Blocks() as page:
        notices = Notices()
        with gr.Tabs():
            tab = ExtrasTab(cast(Any, None), Finishing(lambda: ["None", "Lanczos"], desk.submit, lambda path: Path("out")), notices)
        tab.connect(page)
    return tab


def start(tab: ExtrasTab) -> list[Any]:
    return [getattr(control, "value", None) for control in tab.form.components()]


def test_generate_submits_the_pictures_by_their_uploads() -> None:
    desk = Desk()
    tab = tab_of(desk)
    parts = {"owner": "me", "mode": "single", "pictures": [{"id": "abc", "name": "cat.png"}], "to_size": True}
    answer = tab.submit(HERE, *start(tab), json.dumps(parts))
    assert answer == {tab.ticket: "job-1"}
    [(request, pictures, owner)] = desk.taken
    assert (pictures, owner) == ([Picture("abc", "cat.png")], "me")
    assert request.enlarging is not None and request.enlarging.size == Size(512, 512)


def test_a_directory_named_from_another_machine_reaches_no_queue() -> None:
    desk = Desk()
    tab = tab_of(desk)
    with pytest.raises(NotSupported):
        tab.submit(ELSEWHERE, *start(tab), json.dumps({"mode": "directory", "pictures": []}))
    assert not desk.taken


def test_a_picture_that_could_not_be_sent_ends_it_without_a_job() -> None:
    desk = Desk()
    tab = tab_of(desk)
    assert tab.submit(HERE, *start(tab), json.dumps({"refused": True})) == {}
    assert not desk.taken


def test_the_controls_have_a1111s_ids() -> None:
    ids = {control.elem_id for control in tab_of(Desk()).form.components()}
    assert ids >= {
        "extras_batch_input_dir", "extras_batch_output_dir", "extras_show_extras_results", "extras_upscale-checkbox", "extras_upscaler_1",
        "extras_upscaler_2", "extras_upscaler_2_visibility", "extras_upscaling_resize", "extras_upscale_max_side_length",
        "extras_upscaling_resize_w", "extras_upscaling_resize_h", "extras_upscaling_crop", "extras_gfpgan_visibility",
        "extras_codeformer_visibility", "extras_codeformer_weight", "postprocess_split_threshold", "postprocess_overlap_ratio",
        "postprocess_focal_crop_face_weight", "postprocess_focal_crop_entropy_weight", "postprocess_focal_crop_edges_weight",
        "train_process_focal_crop_debug", "postprocess_multicrop_mindim", "postprocess_multicrop_maxdim", "postprocess_multicrop_minarea",
        "postprocess_multicrop_maxarea", "postprocess_multicrop_objective", "postprocess_multicrop_threshold",
        *(f"input-accordion-{number}-checkbox" for number in range(7)),
    }  # fmt: skip
