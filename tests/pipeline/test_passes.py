"""Second passes, refiners and networks: what they change, and that nothing of them is left behind."""

import numpy as np
import pytest

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.contract.request import HiresPass, RefinerPass, SeedVariation, Size
from modules.infotext import read
from modules.pipeline.manager import PipelineManager
from tests.pipeline import asked
from tests.tiny import Listener

REQUEST = asked.REQUEST.replace(steps=4, save=False)


def pictures(pipeline: PipelineManager, **changes: object) -> list[np.ndarray]:
    return asked.pictures_of(pipeline, REQUEST.replace(**changes))


def values(pipeline: PipelineManager, **changes: object) -> dict[str, str]:
    return read(pipeline.generate(REQUEST.replace(**changes), Listener()).images[0].infotext)


@pytest.mark.parametrize("upscaler", ["Latent", "Latent (nearest-exact)", "Lanczos", "None"])
def test_the_second_pass_enlarges(pipeline: PipelineManager, upscaler: str) -> None:
    listener = Listener()
    request = REQUEST.replace(hires=HiresPass(scale=1.5, upscaler=upscaler, steps=2, strength=0.5))
    result = pipeline.generate(request, listener)
    assert result.images[0].image.size == (96, 96)
    assert listener.steps == listener.total  # what was promised is what was done


def test_both_sides_given_are_covered_and_cut(pipeline: PipelineManager) -> None:
    [picture] = pictures(pipeline, hires=HiresPass(size=Size(128, 96), steps=1))
    assert picture.shape == (96, 128, 3)


def test_an_unknown_upscaler_is_refused_with_the_nearest(pipeline: PipelineManager) -> None:
    with pytest.raises(NotFound, match="Lanczos"):
        pipeline.check(REQUEST.replace(hires=HiresPass(upscaler="Lancos")))


def test_the_refiner_takes_over_and_gives_the_base_back(pipeline: PipelineManager) -> None:
    plain = pictures(pipeline)
    refined = pictures(pipeline, refiner=RefinerPass(checkpoint="two", switch_at=0.5))
    early = pictures(pipeline, refiner=RefinerPass(checkpoint="two", switch_at=0.01))
    assert not np.array_equal(plain[0], refined[0])
    assert not np.array_equal(refined[0], early[0])
    assert np.array_equal(pictures(pipeline)[0], plain[0])


def test_a_refiner_in_two_batches_begins_each_with_the_base(pipeline: PipelineManager) -> None:
    refiner = RefinerPass(checkpoint="two", switch_at=0.5)
    both = pictures(pipeline, refiner=refiner, batch_count=2)
    assert np.array_equal(both[1], pictures(pipeline, refiner=refiner, seed=8)[0])


def test_a_lora_changes_the_picture_and_leaves_nothing_behind(pipeline: PipelineManager) -> None:
    plain = pictures(pipeline)
    changed = pictures(pipeline, prompt="a red star <lora:strong:0.8>")
    weaker = pictures(pipeline, prompt="a red star <lora:strong:0.1>")
    assert not np.array_equal(plain[0], changed[0])
    assert not np.array_equal(weaker[0], changed[0])
    assert np.array_equal(pictures(pipeline)[0], plain[0])


def test_the_parts_of_a_lora_have_strengths_of_their_own(pipeline: PipelineManager) -> None:
    plain = pictures(pipeline)
    assert np.array_equal(pictures(pipeline, prompt="a red star <lora:strong:0:0>")[0], plain[0])
    text, unet = (pictures(pipeline, prompt=f"a red star <lora:strong:{strengths}>")[0] for strengths in ("1:0", "0:1"))
    assert not np.array_equal(text, unet)


def test_a_lora_is_found_by_the_name_it_gives_itself(pipeline: PipelineManager) -> None:
    by_file = pictures(pipeline, prompt="a red star <lora:strong:1>")
    assert np.array_equal(pictures(pipeline, prompt="a red star <lora:called strong:1>")[0], by_file[0])


def test_how_much_of_a_lora_fitted_is_told(pipeline: PipelineManager) -> None:
    result = pipeline.generate(REQUEST.replace(prompt="a <lora:strong:1>"), Listener())
    assert result.details["networks"] == {"strong": {"keys": 2, "matched": 2}}


def test_a_lora_that_is_not_there_is_left_out_and_said(pipeline: PipelineManager) -> None:
    listener = Listener()
    result = pipeline.generate(REQUEST.replace(prompt="a red star <lora:strnog:1>"), listener)
    assert "strnog" in listener.warnings[0]
    assert result.warnings == tuple(listener.warnings)


def test_a_lora_that_does_not_fit_is_an_error(pipeline: PipelineManager) -> None:
    with pytest.raises((NotSupported, BadRequest), match="other"):
        pictures(pipeline, prompt="a red star <lora:other:1>")


def test_a_strength_that_is_no_number_is_refused(pipeline: PipelineManager) -> None:
    with pytest.raises(BadRequest, match="'much' is not a number"):
        pictures(pipeline, prompt="a red star <lora:strong:much>")


def test_an_embedding_acts_by_its_name_and_is_told(pipeline: PipelineManager) -> None:
    told = values(pipeline, prompt="a myword star")
    assert told["TI hashes"].startswith("myword: ")
    assert not np.array_equal(pictures(pipeline, prompt="a myword star")[0], pictures(pipeline, prompt="a star")[0])


def test_a_variation_of_no_strength_changes_nothing(pipeline: PipelineManager) -> None:
    plain = pictures(pipeline)
    assert np.array_equal(pictures(pipeline, variation=SeedVariation(seed=3, strength=0))[0], plain[0])
    assert not np.array_equal(pictures(pipeline, variation=SeedVariation(seed=3, strength=0.3))[0], plain[0])


def test_variations_of_a_batch_share_the_first_seed(pipeline: PipelineManager) -> None:
    both = pictures(pipeline, variation=SeedVariation(seed=3, strength=0.3), batch_size=2)
    alone = pictures(pipeline, variation=SeedVariation(seed=4, strength=0.3))
    assert np.abs(both[1].astype(int) - alone[0].astype(int)).max() <= 1  # kernels add up in another order for two


@pytest.mark.parametrize("settings", [{"token_merging_ratio": 0.5}, {"s_min_uncond": 8.0}, {"skip_early_cond": 0.3}])
def test_a_shortcut_changes_the_picture_for_its_own_time_only(pipeline: PipelineManager, settings: dict[str, float]) -> None:
    plain = pictures(pipeline)
    assert not np.array_equal(pictures(pipeline, settings={**REQUEST.settings, **settings})[0], plain[0])
    assert np.array_equal(pictures(pipeline)[0], plain[0])


def test_tiling_is_for_its_own_time_only(pipeline: PipelineManager) -> None:
    plain = pictures(pipeline)
    assert not np.array_equal(pictures(pipeline, tiling=True)[0], plain[0])
    assert np.array_equal(pictures(pipeline)[0], plain[0])


def test_a_grid_stands_in_front_where_one_is_wanted(pipeline: PipelineManager) -> None:
    result = pipeline.generate(REQUEST.replace(batch_size=2, steps=1), Listener())
    assert [image.kind for image in result.images] == ["grid", "picture", "picture"]
    assert result.details["index_of_first_image"] == 1
    alone = pipeline.generate(REQUEST.replace(batch_size=2, steps=1, save_grid=False), Listener())
    assert [image.kind for image in alone.images] == ["picture", "picture"]
