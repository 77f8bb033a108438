"""What a text encoder makes of chunks: weights, clip skip, embeddings, and nothing for an empty negative prompt."""

from collections.abc import Iterator

import pytest
import torch

from modules.contract.errors import BadRequest
from modules.families.base import Components
from modules.families.clip_text import TextOptions
from modules.weights.embeddings import Embedding
from tests import tiny

pytestmark = pytest.mark.usefixtures("no_gradients")


@pytest.fixture
def no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture
def sd1() -> Iterator[Components]:
    components = tiny.model("sd1")
    yield components
    components.embeddings = ()


def encoded(components: Components, *prompts: str, **options: object) -> torch.Tensor:
    return components.encode_prompts(prompts, TextOptions(**options)).context  # type: ignore[arg-type]


def test_each_chunk_adds_77_tokens(sd1: Components) -> None:
    assert encoded(sd1, "cat").shape == (1, 77, 64)
    assert encoded(sd1, " ".join(["cat"] * 76)).shape == (1, 154, 64)


def test_the_variants_of_a_prompt_share_one_mean(sd1: Components) -> None:
    plain, weighted = encoded(sd1, "a cat", "a dog"), encoded(sd1, "a cat", "a (dog:1.5)")
    assert weighted.mean().item() == pytest.approx(plain.mean().item(), rel=1e-5)
    assert not torch.allclose(weighted[0], plain[0])  # the unweighted variant is scaled along with the other
    torch.testing.assert_close(weighted[0] / weighted[0].mean(), plain[0] / plain[0].mean())


def test_a_shorter_variant_is_filled_up_with_empty_chunks(sd1: Components) -> None:
    both = encoded(sd1, "cat", "cat BREAK dog")
    assert torch.allclose(both[0, 77:], encoded(sd1, "")[0], atol=1e-5)  # rows of another batch


def test_without_norm_only_the_weighted_tokens_change(sd1: Components) -> None:
    plain, weighted = encoded(sd1, "a cat"), encoded(sd1, "a (cat:1.5)", emphasis="No norm")
    assert torch.equal(weighted[0, 2], plain[0, 2] * 1.5)
    assert torch.equal(weighted[0, 3:], plain[0, 3:])


def test_ignored_emphasis_changes_nothing(sd1: Components) -> None:
    assert torch.equal(encoded(sd1, "a (cat:1.5)", emphasis="Ignore"), encoded(sd1, "a cat"))


def test_clip_skip_reads_an_earlier_layer_of_sd1(sd1: Components) -> None:
    assert not torch.allclose(encoded(sd1, "cat", clip_skip=2), encoded(sd1, "cat"))


@pytest.mark.parametrize("family", ["sd2", "sdxl", "sdxl-refiner"])
def test_clip_skip_leaves_the_other_families_alone(family: str) -> None:
    assert torch.equal(encoded(tiny.model(family), "cat", clip_skip=3), encoded(tiny.model(family), "cat"))


def test_sdxls_first_encoder_heeds_clip_skip_if_it_is_told_to() -> None:
    sdxl = tiny.model("sdxl")
    usual = encoded(sdxl, "cat")
    told = encoded(sdxl, "cat", clip_skip=1, clip_skip_sdxl=True)
    assert not torch.allclose(told[..., :64], usual[..., :64])
    assert torch.equal(told[..., 64:], usual[..., 64:])
    assert torch.equal(encoded(sdxl, "cat", clip_skip=2, clip_skip_sdxl=True), usual)


def test_the_pooled_vector_is_the_first_chunks_and_has_no_weights() -> None:
    sdxl = tiny.model("sdxl")
    plain = sdxl.encode_prompts(["cat"], TextOptions()).pooled
    longer = sdxl.encode_prompts(["(cat:1.5) BREAK dog"], TextOptions()).pooled
    assert plain is not None
    assert longer is not None
    assert torch.equal(plain, longer)


def test_an_empty_negative_prompt_of_sdxl_is_nothing() -> None:
    found = tiny.model("sdxl").encode_prompts([""], TextOptions(zero_if_empty=True))
    assert found.pooled is not None
    assert not found.context.any()
    assert not found.pooled.any()


def test_a_negative_prompt_of_which_one_variant_is_not_empty_is_encoded() -> None:
    assert encoded(tiny.model("sdxl"), "", "cat", zero_if_empty=True).any(dim=-1).all()


def test_an_empty_negative_prompt_of_sd1_is_encoded_as_any_other(sd1: Components) -> None:
    assert torch.equal(encoded(sd1, "", zero_if_empty=True), encoded(sd1, ""))


def test_an_embedding_of_a_words_own_vectors_is_that_word(sd1: Components) -> None:
    table = sd1.encoders[0].inner.embeddings.token_embedding.weight
    cat, dog = 2368, 1929
    sd1.embeddings = (Embedding("zyx", {"clip_l": table[[cat, dog]].clone()}),)
    assert torch.equal(encoded(sd1, "a ZYX here"), encoded(sd1, "a cat dog here"))


def test_embeddings_in_use_are_named_once_in_order(sd1: Components) -> None:
    sd1.embeddings = tuple(Embedding(name, {"clip_l": torch.randn(2, 64)}) for name in ("zyx", "qqq", "www"))
    assert sd1.encode_prompts(["qqq zyx qqq", "zyx"], TextOptions()).embeddings == ("qqq", "zyx")


def test_an_embedding_of_another_width_is_left_out_and_named(sd1: Components) -> None:
    plain = encoded(sd1, "a zyx")
    sd1.embeddings = (Embedding("zyx", {"clip_l": torch.randn(2, 768)}),)
    assert sd1.embeddings_skipped == ["zyx"]
    assert torch.equal(encoded(sd1, "a zyx"), plain)


def test_sdxl_takes_vectors_for_both_encoders() -> None:
    sdxl = tiny.model("sdxl")
    plain = encoded(sdxl, "a zyx")
    sdxl.embeddings = (Embedding("zyx", {"clip_l": torch.randn(2, 64), "clip_g": torch.randn(2, 64)}),)
    try:
        changed = encoded(sdxl, "a zyx")
    finally:
        sdxl.embeddings = ()
    assert not torch.allclose(changed[..., :64], plain[..., :64])
    assert not torch.allclose(changed[..., 64:], plain[..., 64:])


def test_an_embedding_that_no_chunk_can_hold_is_refused(sd1: Components) -> None:
    sd1.embeddings = (Embedding("zyx", {"clip_l": torch.randn(76, 64)}),)
    with pytest.raises(BadRequest, match="76 vectors"):
        encoded(sd1, "zyx")


def test_the_old_emphasis_cuts_off_what_one_chunk_cannot_hold(sd1: Components) -> None:
    found = sd1.encode_prompts([" ".join(["cat"] * 80)], TextOptions(old_emphasis=True))
    assert found.context.shape == (1, 77, 64)
    assert found.cut == 5


def test_tokens_are_counted_against_what_their_chunks_hold(sd1: Components) -> None:
    assert sd1.token_count("", TextOptions()) == (0, 75)
    assert sd1.token_count(" ".join(["cat"] * 75), TextOptions()) == (75, 75)
    assert sd1.token_count("a BREAK b", TextOptions()) == (76, 150)
