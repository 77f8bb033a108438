"""Writes down what k-diffusion's own samplers give on `analytic`: `python -m tests.sampling.record_references`.

Needs k-diffusion 0.1.1.post1, torchsde, torchdiffeq and scipy. Only its `sampling.py` is loaded: the package asks for more.
"""

import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.sampling.analytic import CASES, LEVELS, denoise, start

TARGET = Path(__file__).parents[1] / "golden_data" / "k_diffusion" / "samplers.json"


def k_diffusion_sampling() -> Any:
    """The module, in a package that holds the one function it uses of the others."""
    found = importlib.util.find_spec("k_diffusion")
    assert found and found.submodule_search_locations
    package, helpers = types.ModuleType("k_diffusion"), types.ModuleType("k_diffusion.utils")
    package.__path__ = list(found.submodule_search_locations)
    package.utils = helpers  # type: ignore[attr-defined]
    helpers.append_dims = lambda x, count: x[(...,) + (None,) * (count - x.ndim)]  # type: ignore[attr-defined]
    sys.modules |= {"k_diffusion": package, "k_diffusion.utils": helpers}
    return importlib.import_module("k_diffusion.sampling")


def recorded(sampling: Any, function: str, told: dict[str, Any]) -> Tensor:
    torch.manual_seed(0)
    x = start()
    arguments = dict(told)
    if function in {"sample_dpm_fast", "sample_dpm_adaptive"}:
        arguments |= {"sigma_min": torch.tensor(LEVELS[-2]).double(), "sigma_max": torch.tensor(LEVELS[0]).double()}
    else:
        arguments["sigmas"] = torch.tensor(LEVELS, dtype=torch.float64)
    if "sde" in function:
        arguments["noise_sampler"] = lambda sigma, sigma_next: torch.randn_like(x)
    return getattr(sampling, function)(denoise, x, disable=True, **arguments)


if __name__ == "__main__":
    sampling = k_diffusion_sampling()
    rows = [{"sampler": ours, "told": told, "x": recorded(sampling, theirs, told).flatten().tolist()} for ours, theirs, told in CASES]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
