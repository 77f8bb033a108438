"""The refiner: a second checkpoint that takes over a pass when enough of the noise is gone."""

from torch import Tensor

from modules.pipeline.run import Pass, Run
from modules.sampling.prediction import Prediction


def refined(run: Run, passing: Pass, prediction: Prediction, level: Tensor, share_of_steps: float) -> bool:
    """Hand a pass over to the refiner if its time has come; says whether it just did."""
    refiner = run.request.refiner
    if refiner is None or not takes_part(run, second=passing.second):
        return False
    by_steps = run.settings.compatibility.refiner_by_steps
    done = share_of_steps if by_steps else noise_gone(prediction, level, timesteps=passing.choice.sampler.timesteps)
    if done < refiner.switch_at:
        return False
    loaded = run.tools.load(refiner.checkpoint, run.settings)
    if loaded.entry.path == passing.loaded.entry.path:
        return False
    passing.loaded = loaded
    run.tools.use_networks(run, loaded, passing.tags)
    passing.conditioning = passing.encode(loaded)
    if by_steps:
        run.notes["Refiner switch by sampling steps"] = True
    if run.request.hires and run.settings.model.refiner_pass != "second pass":
        run.notes["Hires refiner"] = run.settings.model.refiner_pass
    run.notes["Refiner"] = f"{loaded.entry.name} [{loaded.entry.short_hash}]"
    run.notes["Refiner switch at"] = refiner.switch_at
    return True


def takes_part(run: Run, *, second: bool) -> bool:
    """Whether the refiner works in a pass. With Hires. fix the settings say in which."""
    wanted = run.settings.model.refiner_pass
    return run.request.hires is None or wanted == "both passes" or (wanted == "second pass") == second


def noise_gone(prediction: Prediction, level: Tensor, *, timesteps: bool) -> float:
    """The share of the model's timesteps that lie above a noise level (or timestep)."""
    last = len(prediction.sigmas) - 1
    t = level.max() if timesteps else (prediction.sigmas - level.max()).abs().argmin()
    return (last - int(t)) / last
