"""X/Y/Z plot: its cells, their seeds, its grids, its texts."""

from typing import Any

import pytest

from extensions.xyz_plot.axes import AXES, labels
from extensions.xyz_plot.plot import Plot, Scale
from modules.contract.errors import BadRequest, NotFound
from modules.contract.request import GenerationRequest, HiresPass, RefinerPass, Size, SourceImage
from modules.contract.result import GenerationResult
from modules.plugins import as_source
from modules.plugins.loader import load
from modules.settings.groups import Grids, Settings
from modules.settings.store import changed as with_settings
from tests.extensions.drawing import Drawing, driven
from tests.extensions.pictures import plain
from tests.golden import golden_json, needs_golden
from tests.guards.sources import ROOT

REQUEST = GenerationRequest(size=Size(64, 64), seed=1234, steps=4, prompt="a cat, a dog", negative_prompt="blurry")
SOURCE = SourceImage(pictures=(as_source(plain(64, 64)),))
TWO: dict[str, Any] = {"x_type": "Steps", "x_values": "4,6", "y_type": "CFG Scale", "y_values": "3,9"}


def plotted(drawing: Drawing | None = None, request: GenerationRequest = REQUEST, **options: Any) -> GenerationResult:
    return driven(drawing or Drawing(), request, "xyz_plot", **options)


def seeds(request: GenerationRequest = REQUEST, **options: Any) -> list[int]:
    """The seeds of all cells by their number."""
    drawing = Drawing()
    return [image.seed for image in plotted(drawing, request, sub_images=True, **options).images[1:]]


# As recorded in case 386


def test_the_grid_is_as_large_as_a1111_s() -> None:
    assert [image.image.size for image in plotted(**TWO).images] == [(176, 137)]


def test_without_a_legend_it_is_cells_alone() -> None:
    assert plotted(**TWO, legend=False, margin=50).images[0].image.size == (128, 128)


@needs_golden
def test_the_answer_s_lists_are_as_long_as_a1111_s() -> None:
    info, theirs = plotted(**TWO).details["info"], golden_json("answers/386-script-xyz.json")["info"]
    for key in ("infotexts", "all_prompts", "all_seeds", "index_of_first_image"):
        assert len(info[key]) == len(theirs[key]) if isinstance(theirs[key], list) else info[key] == theirs[key]


def test_the_grid_s_text_names_the_axes_before_the_version() -> None:
    text = plotted(**TWO).images[0].infotext
    assert text.endswith('Script: X/Y/Z plot, X Type: Steps, X Values: "4,6", Y Type: CFG Scale, Y Values: "3,9", Version: test')


# Cells


def test_cells_are_made_row_by_row() -> None:
    drawing = Drawing()
    plotted(drawing, **TWO)
    assert [(one.steps, one.guidance) for one in drawing.asked] == [(4, 3.0), (6, 3.0), (4, 9.0), (6, 9.0)]
    assert drawing.asked == drawing.expected


def test_the_costliest_change_is_made_the_least_often() -> None:
    drawing = Drawing()
    plotted(drawing, x_type="Checkpoint name", x_values="a,b", y_type="VAE", y_values="c,d", z_type="Steps", z_values="1,2")
    assert [(one.checkpoint, one.settings["sd_vae"], one.steps) for one in drawing.asked[:5]] == [
        ("a", "c", 1),
        ("a", "c", 2),
        ("a", "d", 1),
        ("a", "d", 2),
        ("b", "c", 1),
    ]


def test_pictures_stand_in_their_places_whatever_the_order_they_are_made_in() -> None:
    result = plotted(x_type="Checkpoint name", x_values="a,b", y_type="Steps", y_values="1,2", sub_images=True)
    assert [image.infotext.split("Steps: ")[1][0] for image in result.images[1:]] == ["1", "1", "2", "2"]


def test_a_cell_that_fails_stays_black_with_a_warning() -> None:
    drawing = Drawing(failing=6)
    result = plotted(drawing, **TWO, legend=False)
    assert [result.images[0].image.getpixel(place) for place in ((96, 32), (96, 96))] == [(0, 0, 0)] * 2
    assert drawing.report.warnings[0].startswith("Cell 2, 1, 1 of the plot stays empty: There is no checkpoint")


def test_an_ended_job_has_a_grid_of_what_was_done() -> None:
    result = plotted(Drawing(interrupted=1), **TWO, legend=False)
    assert result.interrupted and result.images[0].image.getpixel((32, 96)) == (0, 0, 0)


def test_nothing_done_at_all_is_no_picture() -> None:
    assert plotted(Drawing(failing=4), x_type="Steps", x_values="4").images == ()


# Seeds


def test_all_cells_have_the_chosen_seed() -> None:
    assert seeds(**TWO) == [1234] * 4


def test_a_random_seed_is_the_same_in_all_cells_and_the_same_again() -> None:
    assert seeds(REQUEST.replace(seed=-1), **TWO) == [1000] * 4


def test_each_cell_can_keep_a_random_seed_of_its_own() -> None:
    found = seeds(REQUEST.replace(seed=-1), **TWO, keep_random=True)
    assert len(set(found)) == 4 and found == seeds(REQUEST.replace(seed=-1), **TWO, keep_random=True)


def test_seeds_can_vary_along_the_axes() -> None:
    z: dict[str, Any] = {"z_type": "Clip skip", "z_values": "1,2"}
    assert seeds(**TWO, **z, vary_x=True, vary_y=True, vary_z=True) == list(range(1234, 1242))
    assert seeds(**TWO, **z, vary_y=True) == [1234, 1234, 1235, 1235] * 2


def test_an_axis_of_seeds_says_which_ones_were_drawn() -> None:
    result = plotted(x_type="Seed", x_values="7, -1", sub_images=True)
    drawn = result.images[2].seed
    assert drawn != -1 and f'X Type: Seed, X Values: "7, -1", Fixed X Values: "7, {drawn}"' in result.images[0].infotext


# Grids


def test_sheets_lie_side_by_side_with_their_values_above_them() -> None:
    drawing = Drawing()
    result = plotted(drawing, **TWO, z_type="Clip skip", z_values="1,2", sub_grids=True)
    whole, *sheets = [image.image.size for image in result.images]
    assert sheets == [(176, 137)] * 2 and whole[0] == 352 and whole[1] > 137
    assert [name for name, _, _ in drawing.kept] == ["xyz_grid"] * 3
    assert 'Z Type: Clip skip, Z Values: "1,2"' in result.images[0].infotext and "Z Type" not in result.images[1].infotext


def test_a_batch_in_a_cell_is_a_grid_in_the_grid() -> None:
    result = plotted(request=REQUEST.replace(batch_size=2), x_type="Steps", x_values="4,6", legend=False)
    assert result.images[0].image.size == (256, 64)


def test_a_batch_in_a_cell_is_one_picture_where_grids_are_not_wanted() -> None:
    drawing = Drawing(settings=Settings(grids=Grids(show=False)))
    plotted(drawing, REQUEST.replace(batch_size=2), x_type="Steps", x_values="4,6")
    assert [one.batch_size for one in drawing.asked] == [1, 1]


def test_a_grid_larger_than_the_settings_allow_is_refused_before_any_work() -> None:
    drawing = Drawing()
    with pytest.raises(BadRequest, match="210 megapixels; it must be less than 200"):
        plotted(drawing, REQUEST.replace(size=Size(1024, 1024)), x_type="Seed", x_values="1-200")
    assert not drawing.asked


# Axes


@needs_golden
@pytest.mark.parametrize(("tab", "img2img"), [("txt2img", False), ("img2img", True)])
def test_the_axes_have_a1111_s_names_and_numbers(tab: str, img2img: bool) -> None:
    script = next(one for one in golden_json("api/script-info.json") if one["name"] == "x/y/z plot" and one["is_img2img"] == img2img)
    assert [label for label in labels(tab) if not label.startswith(("[ControlNet]", "[Detailer]"))] == script["args"][0]["choices"]


def applied(label: str, value: Any, request: GenerationRequest = REQUEST) -> GenerationRequest:
    return AXES[label].apply(request, value, [value])


@pytest.mark.parametrize(
    "axis", [axis for axis in AXES.values() if axis.label not in ("Nothing", "Prompt S/R", "Prompt order")], ids=lambda axis: axis.label
)
def test_every_axis_changes_a_request_that_has_all_parts_of_its_tab(axis: Any) -> None:
    """By a value of its kind, into a request whose settings exist."""
    own = {"Size": "32x16", "Always discard next-to-last sigma": "True", "SGM noise multiplier": "True", "RNG source": "CPU"}
    value = own.get(axis.label, {"whole": 2, "decimal": 0.37, "text": "Disable" if axis.label == "FP8 mode" else "True"}[axis.kind])
    for tab in axis.tabs:
        parts = {"source": SOURCE} if tab == "img2img" else {"hires": HiresPass()}
        units = {"controlnet": {"units": [{}]}, "detailer": {"units": [{}]}}
        request = REQUEST.replace(**parts, refiner=RefinerPass(checkpoint="b"), extensions=units)
        if tab == "txt2img" and axis.label == "Initial noise multiplier":  # it is img2img's, though A1111 lists it here too
            continue
        changed = applied(axis.label, value, request)
        assert changed != request
        with_settings(Settings(), changed.settings)


def test_an_axis_of_controlnet_changes_the_first_unit_that_is_on() -> None:
    units = [{"enabled": False}, {"model": "lines", "weight": 1.0}, {"model": "poses"}]
    request = REQUEST.replace(extensions={"controlnet": {"units": units}})
    changed = applied("[ControlNet] Weight", 0.5, request)
    assert changed.extensions["controlnet"]["units"] == [units[0], {"model": "lines", "weight": 0.5}, units[2]]
    assert request.extensions["controlnet"]["units"] == units
    with pytest.raises(BadRequest, match="No unit of ControlNet is on"):
        applied("[ControlNet] Model", "lines")


def test_an_axis_of_the_detailer_changes_the_first_pass_that_is_on() -> None:
    passes = [{"enabled": False}, {"detector": "hand", "strength": 0.4}, {"detector": "mediapipe_face_full"}]
    request = REQUEST.replace(extensions={"detailer": {"units": passes, "skip_img2img": False}})
    changed = applied("[Detailer] Denoising strength", 0.6, request)
    assert changed.extensions["detailer"] == {"units": [passes[0], {"detector": "hand", "strength": 0.6}, passes[2]], "skip_img2img": False}
    with pytest.raises(BadRequest, match="No pass of the Detailer is on"):
        applied("[Detailer] Prompt", "a face")


def test_the_detailer_s_axes_take_values_that_its_passes_know() -> None:
    """A value of the wrong name or kind would be refused by the pass, whose fields forbid what is not theirs."""
    options: Any = load(ROOT / "extensions" / "detailer").extension.Options  # pyright: ignore[reportOptionalMemberAccess]
    samples = {"whole": 8, "decimal": 0.25, "text": "Merge"}
    ours = [axis for label, axis in AXES.items() if label.startswith("[Detailer]")]
    assert len(ours) == 17
    for axis in ours:
        changed = axis.apply(REQUEST.replace(extensions={"detailer": {"units": [{}]}}), samples[axis.kind], [])
        (unit,) = options.model_validate(changed.extensions["detailer"]).units
        assert samples[axis.kind] in unit.model_dump().values() and unit != options.model_validate({"units": [{}]}).units[0]


def test_prompt_search_and_replace_works_on_both_prompts() -> None:
    request = REQUEST.replace(negative_prompt="no cat")
    found = AXES["Prompt S/R"].apply(request, "bird", ["cat", "bird"])
    assert (found.prompt, found.negative_prompt) == ("a bird, a dog", "no bird")


def test_prompt_search_refuses_what_is_not_there() -> None:
    with pytest.raises(BadRequest, match="'horse'"):
        plotted(x_type="Prompt S/R", x_values="horse, bird")


def test_prompt_order_puts_the_parts_into_one_another_s_places() -> None:
    assert applied("Prompt order", ("dog", "cat")).prompt == "a dog, a cat"


def test_the_refiner_s_checkpoint_is_set_before_where_it_takes_over() -> None:
    drawing = Drawing()
    plotted(drawing, x_type="Refiner switch at", x_values="0.5,0.7", y_type="Refiner checkpoint", y_values="None,b")
    assert [one.refiner and (one.refiner.checkpoint, one.refiner.switch_at) for one in drawing.asked] == [
        None,
        None,
        ("b", 0.5),
        ("b", 0.7),
    ]


def test_an_axis_that_changes_nothing_is_refused() -> None:
    with pytest.raises(BadRequest, match="'Hires steps' changes nothing"):
        plotted(x_type="Hires steps", x_values="5,10")


def test_values_chosen_from_a_list_come_before_written_ones() -> None:
    drawing = Drawing()
    chosen: dict[str, Any] = {"x_type": "Sampler", "x_chosen": ["Euler", "DPM++ 2M, or so"], "x_values": "Heun"}
    text = plotted(drawing, **chosen).images[0].infotext
    assert [one.sampler for one in drawing.asked] == ["Euler", "DPM++ 2M, or so"] and 'X Values: "Euler,\\"DPM++ 2M, or so\\""' in text
    drawing = Drawing()
    plotted(drawing, **chosen, text_inputs=True)
    assert [one.sampler for one in drawing.asked] == ["Heun"]


def test_an_axis_without_values_is_refused() -> None:
    with pytest.raises(BadRequest, match="The X axis, Seed, has no values"):
        plotted()


def test_an_axis_of_the_other_tab_is_refused() -> None:
    with pytest.raises(NotFound, match="Image CFG Scale"):
        plotted(x_type="Image CFG Scale", x_values="1")


def test_a_plot_of_one_cell_is_a_plot() -> None:
    nothing = Scale(AXES["Nothing"], ("",), "")
    assert len(Plot((nothing, nothing, nothing))) == 1
    assert len(plotted(x_type="Nothing").images) == 1
