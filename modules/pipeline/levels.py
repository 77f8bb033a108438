"""The noise levels that a pass works with: the model's, as the settings change them and as the sampler sees them."""

from modules.pipeline.run import Pass, Run
from modules.sampling.prediction import Prediction, downcast, zero_terminal_snr
from modules.settings.groups import Settings


def prediction_of(run: Run, passing: Pass) -> Prediction:
    """The model's noise levels as the settings change them, and as the sampler sees them."""
    return passing.choice.sampler.seen(adjusted(passing.loaded.components.prediction, run.settings))


def adjusted(prediction: Prediction, settings: Settings) -> Prediction:
    """A model's noise levels under the settings."""
    alphas = prediction.alphas
    if settings.compatibility.downcast_alphas:
        alphas = downcast(alphas)
    if settings.sampling.noise_schedule == "Zero Terminal SNR":
        alphas = zero_terminal_snr(alphas)
    if alphas is not prediction.alphas:
        prediction = prediction.replaced(alphas)
    return prediction.with_whole_timesteps() if settings.sampling.quantized else prediction
