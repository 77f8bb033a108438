"""Regions: what a prompt says of them, where they lie, and what the network makes of them."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from extensions.regional_prompts import RegionalPrompts, a1111
from extensions.regional_prompts.layout import layout_of
from extensions.regional_prompts.maps import PALETTE, along, at_layer, painted, shared_out, softened
from extensions.regional_prompts.regions import areas, base_shares, divided
from modules.contract.errors import BadRequest, NotSupported
from modules.contract.request import HiresPass, Size
from modules.families.attention_changes import Attended, changed_attention
from modules.families.clip_text import TextOptions
from modules.pipeline.manager import PipelineManager
from modules.weights.files import write_tensors
from tests.extensions.making import REQUEST, equal, images, infotext, leaves_no_trace, pictures, traces
from tests.families.network_files import lora_for

TWO = REQUEST.replace(prompt="a red star BREAK a blue sun")
LATENT, ATTENTION, TOGETHER = {"calc": "Latent"}, {"calc": "Attention"}, {"calc": "Latent", "alone": 0.0}
MODES = pytest.mark.parametrize("mode", [ATTENTION, LATENT, TOGETHER], ids=["attention", "latent", "together"])


def split(prompt: str, **more: Any) -> tuple[Any, ...]:
    found = divided(prompt, **{"columns_first": False, **more})
    return found.common, found.base, found.regions, found.groups


def test_a_prompt_is_taken_apart() -> None:
    assert split("a BREAK b BREAK c") == ("", None, ("a", "b", "c"), (3,))
    assert split("q ADDCOMM z ADDBASE a ADDCOL b ADDROW c") == ("q", "z", ("a", "b", "c"), (2, 1))
    assert split("q BREAK z BREAK a BREAK b", use_common=True, use_base=True) == ("q", "z", ("a", "b"), (2,))
    assert split("a ADDCOL b BREAK c") == ("", None, ("a", "b BREAK c"), (2,))
    assert split("a ADDCOL b ADDROW c", columns_first=True) == ("", None, ("a", "b", "c"), (1, 2))
    assert split("a AND b") == ("", None, ("a", "b"), (2,)) and split("a BREAKFAST") == ("", None, ("a BREAKFAST",), (1,))
    assert divided("q, ADDCOMM a ADDROW b", columns_first=False).texts() == ("q, a", "q, b")


def test_areas_follow_the_ratios() -> None:
    assert areas((2,), "", columns_first=False) == [(0, 0, 0.5, 1), (0.5, 0, 1, 1)]
    assert areas((2,), "1,3", columns_first=True) == [(0, 0, 1, 0.25), (0, 0.25, 1, 1)]
    assert areas((2, 1), "1,1,3;1", columns_first=False) == [(0, 0, 0.25, 0.5), (0.25, 0, 1, 0.5), (0, 0.5, 1, 1)]
    assert areas((3,), "1,1,1;3", columns_first=False)[2] == (0, 0.25, 1, 1)
    assert areas((1, 1), "1,3", columns_first=False) == [(0, 0, 1, 0.25), (0, 0.25, 1, 1)]


@pytest.mark.parametrize(
    ("groups", "ratios", "said"),
    [((3,), "1,1", "has 3 regions, and the ratios '1,1' are for 2"), ((2,), "1,0", "'0' is not a positive number"), ((2,), "1,x", "'x'")],
)
def test_ratios_that_do_not_fit_are_refused(groups: tuple[int, ...], ratios: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        areas(groups, ratios, columns_first=False)


def test_base_ratios_are_one_or_one_each() -> None:
    assert base_shares("0.2", 2) == [0.2, 0.2] and base_shares("0.2,0.5", 2) == [0.2, 0.5]
    for text in ("0.1,0.2,0.3", "2", "x"):
        with pytest.raises(BadRequest):
            base_shares(text, 2)


def test_cells_at_a_border_are_shared() -> None:
    assert torch.allclose(along(0, 0.4, 4), torch.tensor([1, 0.6, 0, 0]))
    assert torch.allclose(along(0.4, 1, 4), torch.tensor([0, 0.4, 1, 1.0]))


def test_maps_sum_to_one_everywhere() -> None:
    layout = layout_of("z ADDBASE a BREAK b", "", RegionalPrompts.Options(softness=16), networks=True)
    maps = layout.maps(8, 12, 2.0)
    assert torch.allclose(torch.stack(maps).sum(0), torch.ones(8, 12), atol=1e-6)
    assert torch.allclose(maps[0], torch.full((8, 12), 0.2), atol=1e-6)
    assert maps[1][0, 0] > maps[1][0, 5] > maps[1][0, 6] > maps[1][0, 11]
    (small,) = at_layer([maps[1]], 2, 3)
    assert np.allclose(small[:, 0].view(2, 3), maps[1].view(2, 4, 3, 4).mean((1, 3)), atol=1e-6)


def mask(*rows: str) -> bytes:
    """A picture of digits: the number of the region, from 1, or a dot for white."""
    picture = Image.new("RGB", (len(rows[0]), len(rows)), "white")
    for y, row in enumerate(rows):
        for x, digit in enumerate(row):
            if digit != ".":
                picture.putpixel((x, y), PALETTE[int(digit) - 1])
    buffer = io.BytesIO()
    picture.resize((picture.width * 16, picture.height * 16), Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()


def test_painted_regions_are_where_their_colours_are() -> None:
    first, second = painted(mask("1122", "1.22"), 2, 2, 4)
    assert first.tolist() == [[1, 1, 0, 0], [1, 0, 0, 0]] and second.tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]
    base, *_ = shared_out([first, second], [0, 0])
    assert base.tolist() == [[0, 0, 0, 0], [0, 1, 0, 0]]
    with pytest.raises(BadRequest, match="Nothing is painted for region 3"):
        painted(mask("1122"), 3, 2, 4)
    assert softened([first], 0)[0] is first


@MODES
def test_equal_regions_are_the_plain_picture(pipeline: PipelineManager, mode: dict[str, Any]) -> None:
    same = REQUEST.replace(prompt="a red star BREAK a red star")
    one, other = pictures(pipeline), pictures(pipeline, same, regional_prompts=mode)
    assert np.abs(one[0] - other[0]).max() <= 1


@MODES
def test_it_leaves_no_trace(pipeline: PipelineManager, mode: dict[str, Any]) -> None:
    assert leaves_no_trace(pipeline, TWO, regional_prompts=mode)


@MODES
def test_a_batch_is_its_single_pictures(pipeline: PipelineManager, mode: dict[str, Any]) -> None:
    batch = pictures(pipeline, TWO.replace(batch_size=2), regional_prompts=mode)
    singles = [pictures(pipeline, TWO.replace(seed=seed), regional_prompts=mode)[0] for seed in (7, 8)]
    assert max(np.abs(one - other).max() for one, other in zip(batch, singles, strict=True)) <= 1


@MODES
@pytest.mark.parametrize("prompt", ["q ADDCOMM z ADDBASE a ADDCOL b ADDROW c", "[a:b:0.5] BREAK " + "word " * 90])
def test_bases_schedules_long_texts_negatives_and_hires_work(pipeline: PipelineManager, mode: dict[str, Any], prompt: str) -> None:
    request = REQUEST.replace(prompt=prompt, negative_prompt="x", hires=HiresPass(scale=1.5, strength=0.5), steps=2)
    found = images(pipeline, request, regional_prompts={**mode, "softness": 8})
    assert found[0].size == (96, 96)


@MODES
def test_negative_regions_act(pipeline: PipelineManager, mode: dict[str, Any]) -> None:
    plain = pictures(pipeline, TWO.replace(negative_prompt="grey"), regional_prompts=mode)
    same = pictures(pipeline, TWO.replace(negative_prompt="grey BREAK grey"), regional_prompts=mode)
    other = pictures(pipeline, TWO.replace(negative_prompt="grey BREAK blurred"), regional_prompts=mode)
    assert np.abs(plain[0] - same[0]).max() <= 1 and not equal(same, other)


@pytest.mark.parametrize("size", [Size(64, 64), Size(72, 40)])
def test_attention_mode_is_a_sum_over_regions(pipeline: PipelineManager, size: Size, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network's output for the positive row against one whose cross-attention was put together by hand."""
    pictures(pipeline)
    loaded = pipeline.models.current()
    assert loaded is not None
    components, seen = loaded.components, list[tuple[Tensor, ...]]()
    predict = type(components).predict

    def watch(self: Any, x: Tensor, t: Tensor, context: Tensor, *more: Any) -> Tensor:
        output = predict(self, x, t, context, *more)
        seen.append((x, t, context, output))
        return output

    with monkeypatch.context() as patch:
        patch.setattr(type(components), "predict", watch)
        pictures(pipeline, TWO.replace(size=size, steps=1), regional_prompts=ATTENTION)
    x, t, context, output = seen[0]

    def by_hand(attended: Attended) -> Tensor | None:
        if not attended.layer.cross:
            return None
        left = along(0, 0.5, size.width // 8)[None, None, None].expand(1, 1, size.height // 8, -1)
        share = torch.nn.functional.adaptive_avg_pool2d(left, (attended.height, attended.width)).view(1, -1, 1)
        one, other = (attended.plain(attended.hidden, text) for text in (first, second))
        return one * share + other * (1 - share)

    with torch.inference_mode():
        texts = [components.encode_prompts([text], TextOptions()).context for text in ("a red star", "a blue sun")]
        first, second = texts
        with changed_attention(components.unet, by_hand):
            wanted = predict(components, x[:1], t[:1], context[:1])
    assert torch.allclose(output[:1], wanted, atol=1e-4)


def test_latent_mode_blends_predictions(pipeline: PipelineManager) -> None:
    """After one step from the same noise each half is what its own prompt alone gives there."""
    request = REQUEST.replace(steps=1)
    both = latents(pipeline, request.replace(prompt="a red star BREAK a blue sun"), regional_prompts=LATENT)
    alone = [latents(pipeline, request.replace(prompt=text)) for text in ("a red star", "a blue sun")]
    assert torch.allclose(both[..., :4], alone[0][..., :4], atol=1e-4) and torch.allclose(both[..., 4:], alone[1][..., 4:], atol=1e-4)


def latents(pipeline: PipelineManager, request: Any, **extensions: Any) -> Tensor:
    """What a request's sampler ends with."""
    loaded = pipeline.models.current()
    assert loaded is not None
    kind, found = type(loaded.components), list[Tensor]()
    decode = kind.decode

    def watch(self: Any, latents: Tensor) -> Tensor:
        found.append(latents.clone())
        return decode(self, latents)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "decode", watch)
        pictures(pipeline, request, **extensions)
    return found[0]


def test_a_mask_divides_the_picture(pipeline: PipelineManager) -> None:
    found = pictures(pipeline, TWO, regional_prompts={"divide": "Mask", "mask": mask("12", "12")})
    assert equal(found, pictures(pipeline, TWO, regional_prompts={}))
    with pytest.raises(BadRequest, match="there is none"):
        pictures(pipeline, TWO, regional_prompts={"divide": "Mask"})


def test_a_prompt_without_regions_is_painted_as_ever(pipeline: PipelineManager) -> None:
    assert equal(pictures(pipeline), pictures(pipeline, regional_prompts={}))


def test_and_within_a_region_needs_latent_mode(pipeline: PipelineManager) -> None:
    request = REQUEST.replace(prompt="a AND b ADDCOL c")
    with pytest.raises(BadRequest, match="AND within a region"):
        pictures(pipeline, request, regional_prompts={})
    assert pictures(pipeline, request, regional_prompts=LATENT)


def test_what_tiles_cannot_do_with_regions_is_refused(pipeline: PipelineManager) -> None:
    with pytest.raises(BadRequest, match="a tile does not see where it lies"):
        pictures(pipeline, TWO, regional_prompts={}, tiled_diffusion={})
    with pytest.raises(BadRequest, match="LoRAs of their own cannot be used with tiled diffusion"):
        pictures(pipeline, TWO.replace(prompt="a <lora:x:1> BREAK b"), regional_prompts=LATENT, tiled_diffusion={})


def test_regions_fit_the_negative_ones(pipeline: PipelineManager) -> None:
    with pytest.raises(BadRequest, match="The negative prompt has 3 regions, and the prompt has 2"):
        pictures(pipeline, TWO.replace(negative_prompt="a ADDCOL b ADDCOL c"), regional_prompts={})


def test_the_infotext_has_the_prompt_as_written_and_a1111s_pairs(pipeline: PipelineManager) -> None:
    text = infotext(pipeline, TWO, regional_prompts={"divide": "Rows", "ratios": "1,2"})
    assert text.startswith("a red star BREAK a blue sun\n")
    chosen = RegionalPrompts.Options(divide="Rows", ratios="1,2", calc="Latent")
    notes = {key: str(value) for key, value in a1111.notes(chosen).items()}
    assert notes["RP Matrix submode"] == "Rows" and notes["RP Calc Mode"] == "Latent"
    assert RegionalPrompts.Options(**(a1111.options_from(notes) or {})) == chosen


def test_a1111_s_arguments_are_read() -> None:
    given = [True, False, "Matrix", "Vertical", "Mask", "Prompt", "1,1", "0.2", False, True, False, "Latent", [], "0", "0", "0.4", ""]
    found = a1111.parsed(given, "txt2img") or {}
    assert RegionalPrompts.Options(**found) == RegionalPrompts.Options(divide="Rows", use_common=True, calc="Latent")
    assert a1111.parsed([False], "txt2img") is None
    with pytest.raises(NotSupported, match="words of the prompt"):
        a1111.parsed([True, False, "Prompt"], "txt2img")


def test_a_region_s_lora_acts_in_its_region_alone(pipeline: PipelineManager) -> None:
    """In latent mode, after one step: the region with the tag is what that network gives everywhere, the other what none gives."""
    pictures(pipeline)
    loaded = pipeline.models.current()
    assert loaded is not None
    name = "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_v"
    target = loaded.patches.table.find(name)
    assert target is not None
    tensors = {f"{name}.{part}": value * 5 for part, value in lora_for(loaded.patches.table.modules[target]).items()}
    folder = pipeline.tools.root / "models" / "Lora"
    folder.mkdir(exist_ok=True)
    write_tensors(folder / "half.safetensors", tensors)
    pipeline.library.loras.refresh()
    marked, request = traces(pipeline), REQUEST.replace(steps=1)
    both = latents(pipeline, request.replace(prompt="a red star BREAK a red star <lora:half:1>"), regional_prompts=LATENT)
    without = latents(pipeline, request.replace(prompt="a red star"))
    every = latents(pipeline, request.replace(prompt="a red star <lora:half:1>"))
    negative = latents(pipeline, request.replace(prompt="grey"))
    assert torch.allclose(both[..., :4], without[..., :4], atol=1e-4)
    assert not torch.allclose(both[..., 4:], without[..., 4:], atol=1e-3)
    # under guidance 7: every = neg_lora + 7 (pos_lora - neg_lora), the region's = neg + 7 (pos_lora - neg): the negative has no network
    assert not torch.allclose(every, without, atol=1e-3) and torch.isfinite(negative).all()
    pictures(pipeline)
    assert traces(pipeline) == marked


def test_the_panel_s_template_says_what_is_wrong_and_draws_all_the_same() -> None:
    found = a1111.template(a1111.Asked(prompt="q ADDCOMM a BREAK b", ratios="1,2,3"))
    assert found["regions"] == ("a", "b") and "for 3" in found["problem"] and found["areas"][1] == (0.5, 0, 1, 1)
    assert a1111.template(a1111.Asked(prompt="a BREAK b", divide="Rows"))["problem"] == ""
