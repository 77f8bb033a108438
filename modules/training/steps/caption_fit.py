"""Whether captions say what their pictures show: the loss with the caption over that without one, on the same noise, once at the end.

What a picture shows, and how hard that is to find in noise, is the same in both and falls out: what is left is what its words tell the
network. So words are matched to pictures in Li et al. 2023, arXiv:2303.16203.
"""

from collections.abc import Sequence

import torch

from modules.contract.training import TrainingRequest
from modules.training.parts import Album, Trainable
from modules.training.steps import noise
from modules.training.steps.objective import Objective
from modules.training.steps.processes import Ranks

LEVELS = 4  # timesteps of each picture, spread over the upper two thirds: near the picture itself words hardly matter
SHARE = 0.05  # of the training's arithmetic, at most


def levels(request: TrainingRequest, trainable: Trainable, pictures: int) -> list[int]:
    """The timesteps that are looked at; none where even one would cost more than a twentieth of the training."""
    steps = request.steps
    whole = steps.steps * steps.batch * steps.accumulation * request.devices.processes * request.devices.machines
    count = min(LEVELS, int(SHARE * whole * trainable.network_calls() / max(2 * pictures, 1)))
    least, most = request.noise.timestep_least, request.noise.timestep_most
    begin = least + (most - least) // 3
    return [round(begin + (most - begin) * (place + 0.5) / count) for place in range(count)]


@torch.no_grad()
def caption_fits(album: Album, objective: Objective, ranks: Ranks, times: Sequence[int], seed: int) -> list[float | None]:
    """For each trained picture its loss with its caption over that without; None for one without a caption. All processes must ask.

    It is the geometric mean over the timesteps. The networks should be as they are used: no dropout, the average in its place.
    """
    sums = torch.zeros(album.pictures, 2, dtype=torch.float64)  # of the logarithms, and how many
    for page, bare in album.with_and_without_captions(ranks.rank, ranks.world):
        for time in times:
            drawn = [
                torch.randn(*page.latents.shape[1:], generator=noise.generator(seed, file, time, name="caption")) for file in page.files
            ]
            wanted, at = torch.stack(drawn), torch.full((len(drawn),), time)
            with_words, without = (objective.errors(each, at, wanted, wanted).double().cpu() for each in (page, bare))
            for file, caption, change in zip(page.files, page.captions, (with_words / without).log().tolist(), strict=True):
                if caption.strip() and abs(change) < float("inf"):
                    sums[file] += torch.tensor([change, 1.0], dtype=torch.float64)
    ranks.total(sums)
    return [float(torch.tensor(total / count).exp()) if count else None for total, count in sums.tolist()]
