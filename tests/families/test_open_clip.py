"""OpenCLIP's towers under transformers' names compute what they computed."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from modules.families.clip_text import TextOptions, tokenize
from modules.families.clip_tokens import END
from modules.families.loading import part_of
from modules.families.open_clip import transformers_shapes, transformers_tensors
from tests import tiny

TOWER = "conditioner.embedders.1.model."


def layer_norm(own: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], own[f"{name}.weight"], own[f"{name}.bias"])


def as_in_the_paper(own: dict[str, Tensor], tokens: Tensor) -> tuple[Tensor, Tensor]:
    """The states before the last layer (1, 77, width), and the pooled vector: pre-norm transformer, causal, joined projections."""
    width = own["positional_embedding"].shape[1]
    x = own["token_embedding.weight"][tokens] + own["positional_embedding"]
    mask = torch.full((77, 77), float("-inf")).triu(1)
    states = []
    for block in (f"transformer.resblocks.{i}" for i in range(3)):
        states.append(x)
        attention = nn.MultiheadAttention(width, max(width // 64, 1), batch_first=True)
        attention.load_state_dict(part_of(own, f"{block}.attn."))
        y = layer_norm(own, f"{block}.ln_1", x)
        x = x + attention(y, y, y, attn_mask=mask, need_weights=False)[0]
        y = functional.linear(layer_norm(own, f"{block}.ln_2", x), own[f"{block}.mlp.c_fc.weight"], own[f"{block}.mlp.c_fc.bias"])
        x = x + functional.linear(functional.gelu(y), own[f"{block}.mlp.c_proj.weight"], own[f"{block}.mlp.c_proj.bias"])
    end = tokens.argmax(dim=-1)  # the end token has the highest number
    return states[-1], layer_norm(own, "ln_final", x)[torch.arange(len(x)), end] @ own["text_projection"]


def test_sdxls_second_encoder_gives_the_state_before_its_last_layer_and_the_projected_end() -> None:
    encoder = tiny.model("sdxl").encoders[1]
    prompt = tokenize("a red star")
    tokens = torch.tensor([prompt.chunks[0].tokens])
    tokens[0, tokens[0].argmax() + 1 :] = 0  # its padding
    with torch.inference_mode():
        encoded = encoder.encode([prompt], TextOptions())
        state, pooled = as_in_the_paper(part_of(tiny.sdxl_tensors(), TOWER), tokens)
    assert encoded.pooled is not None
    torch.testing.assert_close(encoded.context, state, atol=1e-5, rtol=1e-5)  # another order of float32 sums
    torch.testing.assert_close(encoded.pooled, pooled, atol=1e-5, rtol=1e-5)


def test_sd2s_encoder_gives_that_state_after_the_final_norm() -> None:
    own = part_of(tiny.sd2_tensors(), "cond_stage_model.model.")
    prompt = tokenize("a red star")
    tokens = torch.tensor([prompt.chunks[0].tokens])
    tokens[0, tokens[0].argmax() + 1 :] = 0
    with torch.inference_mode():
        encoded = tiny.model("sd2").encoders[0].encode([prompt], TextOptions())
        wanted = layer_norm(own, "ln_final", as_in_the_paper(own, tokens)[0])
    torch.testing.assert_close(encoded.context, wanted, atol=1e-5, rtol=1e-5)


def test_padding_after_the_end_is_not_the_end_token() -> None:
    with torch.inference_mode():
        encoder = tiny.model("sd2").encoders[0]
        plain = encoder.encode([tokenize("star")], TextOptions()).context
    own = part_of(tiny.sd2_tensors(), "cond_stage_model.model.")
    ended = torch.tensor([tokenize("star").chunks[0].tokens])
    assert (ended[0] == END).sum() > 1
    with torch.inference_mode():
        assert not torch.allclose(plain, layer_norm(own, "ln_final", as_in_the_paper(own, ended)[0]))


def test_shapes_are_told_without_tensors() -> None:
    own = part_of(tiny.sdxl_tensors(), TOWER)
    told = transformers_shapes({name: tuple(value.shape) for name, value in own.items()})
    assert told == {name: tuple(value.shape) for name, value in transformers_tensors(own).items()}
