"""How the learning rate goes over the steps. A function of the step alone: it is the same on any number of processes."""

from math import cos, pi

from modules.contract.training import OptimizerOptions


def warm_up(options: OptimizerOptions, steps: int) -> int:
    """How many steps the rate takes to rise; a twentieth of all if it is left to us."""
    return steps // 20 if options.warm_up < 0 else options.warm_up


def factor(options: OptimizerOptions, step: int, steps: int) -> float:
    """What the rate is multiplied by at a step (0-based) of so many, 0..1.

    Cosine and its restarts after Loshchilov and Hutter 2017, arXiv:1608.03983; every restart begins at the full rate.
    """
    rising = warm_up(options, steps)
    if step < rising:
        return (step + 1) / rising
    share = (step - rising) / max(steps - rising, 1)  # 0 at the end of the warm-up, below 1 at the last step
    if options.schedule == "linear":
        return 1 - share
    if options.schedule == "cosine":
        return 0.5 * (1 + cos(pi * share))
    if options.schedule == "cosine with restarts":
        return 0.5 * (1 + cos(pi * (share * options.restarts % 1.0)))
    if options.schedule == "polynomial":
        return (1 - share) ** 2
    return 1.0
