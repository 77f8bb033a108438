"""Other arithmetic in the attention layers of a U-Net, for a time: what reference pictures, regions and perturbed guidance are made of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from diffusers.models.attention import BasicTransformerBlock
from torch import Tensor, nn

Side = Literal["down", "mid", "up"]
Plain = Callable[[Tensor, Tensor | None], Tensor]


@dataclass(frozen=True, eq=False)
class AttentionLayer:
    """An attention layer of a U-Net: `cross` ones look at the text, the others at the picture itself.

    `number` counts the layers of a kind in the order in which they are called. `module` has `to_q`, `to_k`, `to_v`, `to_out`, `heads`.
    """

    name: str
    side: Side
    number: int
    cross: bool
    module: Any


@dataclass
class Attended:
    """One call of an attention layer: `hidden` (N, height * width, channels), `context` (N, tokens, width), None for the picture itself.

    `plain` answers as the layer does, for these or other inputs. `height` and `width` are those of the layer's level.
    """

    layer: AttentionLayer
    hidden: Tensor
    context: Tensor | None
    height: int
    width: int
    plain: Plain


Change = Callable[[Attended], Tensor | None]


def attention_layers(unet: nn.Module) -> list[AttentionLayer]:
    """All attention layers of a U-Net, in the order in which they are called."""
    found: list[AttentionLayer] = []
    counts = {True: 0, False: 0}
    for side, prefix in (("down", "down_blocks"), ("mid", "mid_block"), ("up", "up_blocks")):
        for name, module in unet.named_modules():
            if not name.startswith(prefix) or not isinstance(module, BasicTransformerBlock):
                continue
            for cross, attribute in ((False, "attn1"), (True, "attn2")):
                layer = getattr(module, attribute)
                if layer is not None:
                    found.append(AttentionLayer(f"{name}.{attribute}", side, counts[cross], cross, layer))  # pyright: ignore[reportArgumentType]
                    counts[cross] += 1
    return found


@contextmanager
def changed_attention(unet: nn.Module, change: Change) -> Iterator[None]:
    """Have `change` answer for the attention layers of a U-Net; where it gives None, a layer answers itself. Undone at the end.

    Changes may lie around one another; the last one is asked first, and the others are its `plain`.
    """
    seen: list[tuple[int, int]] = [(0, 0)]

    def look(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        x = args[0] if args else kwargs["sample"]
        seen[0] = (x.shape[2], x.shape[3])

    def changed(layer: AttentionLayer, before: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def forward(hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, **more: Any) -> Tensor:
            def plain(hidden: Tensor, context: Tensor | None) -> Tensor:
                return before(hidden, encoder_hidden_states=context, **more)

            height, width = grid(hidden_states.shape[1], *seen[0])
            answer = change(Attended(layer, hidden_states, encoder_hidden_states, height, width, plain))
            return plain(hidden_states, encoder_hidden_states) if answer is None else answer

        return forward

    handle = unet.register_forward_pre_hook(look, with_kwargs=True)
    layers = attention_layers(unet)
    own = [vars(layer.module).get("forward") for layer in layers]
    for layer in layers:
        layer.module.forward = changed(layer, layer.module.forward)
    try:
        yield
    finally:
        handle.remove()
        for layer, forward in zip(layers, own, strict=True):
            if forward is None:
                del layer.module.forward
            else:
                layer.module.forward = forward


def grid(tokens: int, height: int, width: int) -> tuple[int, int]:
    """The sides of a level with that many tokens, in a network that sees latents of height x width: halved, rounded up, some times."""
    while height * width > tokens and height * width > 1:
        height, width = (height + 1) // 2, (width + 1) // 2
    return height, width
