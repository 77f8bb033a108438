"""What a training makes small: how far the network's answer is from what it was to find, for each picture."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from modules.contract.errors import BadRequest, NotSupported
from modules.contract.training import NoiseOptions
from modules.families.base import Components
from modules.families.clip_text import TextOptions
from modules.sampling.prediction import Velocity, zero_terminal_snr
from modules.training.data.text_cache import encode_captions
from modules.training.parts import Batch
from modules.training.steps import noise

PSEUDO_HUBER = 0.1  # where the pseudo-Huber loss turns from squared to absolute, in the latents' unit


class Objective:
    """The loss of pictures at a step. `dtype` is what the network computes in; `texts`: how captions are read that come unencoded.

    Raises NotSupported for a network that sees more than latents, BadRequest for zero terminal SNR with a network that predicts noise.
    """

    def __init__(
        self, components: Components, options: NoiseOptions, *, seed: int, dtype: torch.dtype, texts: TextOptions | None = None
    ) -> None:
        if components.variant.inputs != "plain":
            raise NotSupported(
                "This checkpoint is for inpainting or for editing by words: its network sees a picture beside the noise.",
                "Train the plain checkpoint that it was made from.",
            )
        self.components, self.options, self.seed, self.dtype = components, options, seed, dtype
        self.texts = texts or TextOptions(emphasis="None")
        own = components.prediction
        self.velocity = options.prediction == "v" or (options.prediction != "epsilon" and isinstance(own, Velocity))
        alphas = own.alphas.float()
        if options.zero_snr and not self.velocity:
            raise BadRequest("This checkpoint predicts noise, and zero terminal SNR wants one that predicts v.", "Switch one of them.")
        if options.zero_snr and not components.variant.zero_snr:
            alphas = zero_terminal_snr(alphas)
        self.alphas = alphas.to(components.device)  # (T,)

    def losses(self, batch: Batch, step: int) -> Tensor:
        """The weighted losses (B,) of a step's pictures, float32, with gradient."""
        times = noise.timesteps(self.seed, step, batch.slots, self.options.timestep_least, self.options.timestep_most)
        wanted, mixed = noise.noise(self.options, self.seed, step, batch.slots, batch.latents.shape[1:])
        return self.errors(batch, times, wanted, mixed) * batch.weight.to(self.alphas)

    def errors(self, batch: Batch, times: Tensor, wanted: Tensor, mixed: Tensor) -> Tensor:
        """The losses (B,) at whole timesteps (B,), with the noise to be found and that which is mixed in, both (B, C, h, w)."""
        device = self.components.device
        times, latents, wanted, mixed = (each.to(device, non_blocking=True) for each in (times, batch.latents, wanted, mixed))
        kept = self.alphas[times][:, None, None, None]  # of the variance, (B, 1, 1, 1)
        noisy = kept.sqrt() * latents + (1 - kept).sqrt() * mixed
        target = kept.sqrt() * wanted - (1 - kept).sqrt() * latents if self.velocity else wanted
        with torch.autocast(device.type, self.dtype, enabled=self.dtype != torch.float32):
            context, vector = self.conditions(batch)
            output = self.components.predict(noisy, times, context, vector)
        each = DIFFERENCES[self.options.loss](output, target)
        if batch.mask is not None:
            mask = batch.mask.to(each)
            share = mask.mean(dim=(1, 2, 3), keepdim=True)  # so that a picture counts the same however much of it is masked
            each = each * mask / share.clamp(min=1e-6)
        return each.mean(dim=(1, 2, 3)) * self.weights(kept.flatten())

    def conditions(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """What the network is told: the captions (B, tokens, width), and SDXL's vector (B, V)."""
        context, pooled = batch.context, batch.pooled
        if context is None:
            context, pooled = encode_captions(self.components, batch.captions, self.texts)
        device = self.components.device
        if not self.components.takes_vector:
            return context.to(device, non_blocking=True), None
        if pooled is None:
            raise BadRequest("These captions have no pooled encoding, which SDXL wants.", "Remove the training's cache and start it again.")
        texts = pooled.to(device, non_blocking=True)
        numbers = zip(batch.sizes, batch.crops, batch.targets, strict=True)
        rows = [
            self.components.vector(texts[i : i + 1], size=size, crop=crop, target=target) for i, (size, crop, target) in enumerate(numbers)
        ]
        return context.to(device, non_blocking=True), torch.cat(rows)

    def weights(self, kept: Tensor) -> Tensor:
        """How much each noise level counts, (B,). Min-SNR: Hang et al. 2023, arXiv:2303.09556, section 3.4.

        Written so that a signal of nothing gives 1 (noise) or 0 (v), where min(SNR, gamma) / SNR would be 0 / 0.
        """
        gamma = self.options.min_snr
        if not gamma:
            return torch.ones_like(kept)
        ratio = kept / (1 - kept)  # signal to noise
        return ratio.clamp(max=gamma) / (ratio + 1) if self.velocity else (gamma / ratio).clamp(max=1)


def squared(output: Tensor, target: Tensor) -> Tensor:
    """The squared difference at each place."""
    return functional.mse_loss(output, target, reduction="none")


def absolute(output: Tensor, target: Tensor) -> Tensor:
    """The absolute difference at each place."""
    return functional.l1_loss(output, target, reduction="none")


def pseudo_huber(output: Tensor, target: Tensor) -> Tensor:
    """Squared for small differences, a fifth of the absolute one for large. Song and Dhariwal 2023, arXiv:2310.14189, section 3.3."""
    return 2 * PSEUDO_HUBER * (((output - target) ** 2 + PSEUDO_HUBER**2).sqrt() - PSEUDO_HUBER)


DIFFERENCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"squared": squared, "absolute": absolute, "Huber": pseudo_huber}
