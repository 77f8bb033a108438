"""One call of the network in the sampler's loop: conditions of this step, guidance, masks, the refiner's turn, a word to who watches."""

from contextlib import ExitStack
from dataclasses import replace

import torch
from torch import Tensor

from modules.pipeline.levels import prediction_of
from modules.pipeline.preview import thumbnail
from modules.pipeline.refine import refined
from modules.pipeline.run import Pass, Run
from modules.pipeline.step import Guidance, Step
from modules.sampling.guidance import Call, Conditions, Network, Predictions, combine, combine_edit, evaluate, padded, padded_v0
from modules.sampling.prediction import Prediction


class Guided:
    """The network of a pass as samplers see it. Counts its calls: they are what prompt schedules are laid over."""

    def __init__(self, run: Run, passing: Pass, prediction: Prediction) -> None:
        self.run = run
        self.passing = passing
        self.prediction = prediction
        self.calls = 0
        self.expected = 1
        self.x0_seen: Tensor | None = None  # the last one
        self.around = ExitStack()  # what extensions do to the network for now
        self.number = -1  # of the step that has begun

    def begin(self, steps: int) -> None:
        """Say how many steps the sampler will take."""
        self.expected = steps * (2 if self.passing.choice.sampler.second_order else 1)
        self.around.enter_context(self.run.hooks.denoising(self.run, self.passing))

    def x0(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The clean latents (B, C, h, w) in x at noise levels `sigma` (B,)."""

        self.refine(sigma)
        step = self.step_at(x, sigma, sigma)

        def network(call: Call) -> Tensor:
            call, prediction = self.run.hooks.evaluate(self.run, step, call), self.prediction

            def output(call: Call) -> Tensor:
                return self.predict(call, prediction.network_input(call.x, call.level), prediction.sigma_to_t(call.level))

            return prediction.x0(call.x, self.run.hooks.network(self.run, step, call, output), call.level)

        x0, _ = self.guide(step, self.evaluate(network, x, sigma), network)
        x0 = self.run.hooks.denoised(self.run, step, x0)
        if self.passing.blend:
            x0 = self.run.hooks.blend(self.run, self.passing, x0, sigma)
        self.watched(x0)
        return x0

    def noise(self, x: Tensor, t: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """The noise in x at timesteps `t` (B,); for samplers that need it also the noise that the negative conditions see."""
        if self.passing.blend:
            x = self.run.hooks.blend(self.run, self.passing, x, t)
        self.refine(t)
        step = self.step_at(x, t, self.prediction.sigmas[t.long()])

        def network(call: Call) -> Tensor:
            call = self.run.hooks.evaluate(self.run, step, call)

            def output(call: Call) -> Tensor:
                return self.predict(call, call.x, call.level)

            return self.prediction.noise(call.x, self.run.hooks.network(self.run, step, call, output), call.level)

        eps, unguided = self.guide(step, self.evaluate(network, x, t), network)
        x0 = step.to_x0(eps)
        if self.run.hooks.listens("denoised"):
            x0 = self.run.hooks.denoised(self.run, step, x0)
            eps = step.from_x0(x0)
        self.watched(x0)
        return (eps, unguided) if self.passing.choice.sampler.needs_unguided else eps

    def predict(self, call: Call, x: Tensor, t: Tensor) -> Tensor:
        """The network's output for a call's rows."""
        concat = self.passing.concat
        if concat is not None:
            concat = concat[call.pictures]
            imageless = torch.tensor([condition.role == "imageless" for condition in call.conditions], device=concat.device)
            concat = torch.where(imageless.view(-1, 1, 1, 1), torch.zeros_like(concat), concat)
        return self.passing.loaded.components.predict(x, t, call.context, call.vector, concat, call.residuals)

    def step_at(self, x: Tensor, level: Tensor, sigma: Tensor) -> Step:
        """Where the sampler stands with a call; extensions are told when it is the first of a step."""
        number = self.calls // (2 if self.passing.choice.sampler.second_order else 1)
        total = self.expected // (2 if self.passing.choice.sampler.second_order else 1)
        share = min(self.calls / self.expected, 1.0)
        step = Step(self.passing, self.prediction, self.calls, number, total, share, x, level, float(sigma[0]))
        if number != self.number:
            self.number = number
            self.run.hooks.step(self.run, step)
        return step

    def evaluate(self, network: Network, x: Tensor, level: Tensor) -> Predictions:
        """The network's answers to all conditions of this call."""
        self.conditions = self.conditions_now(level)
        return evaluate(
            network,
            x,
            level,
            self.conditions,
            together=self.run.settings.optimizations.batch_conditions,
            imageless=self.edit_scale is not None,
        )

    @property
    def edit_scale(self) -> float | None:
        """How much an instruct-pix2pix model heeds the picture; None: as the other models, by text alone."""
        source = self.run.request.source
        scale = source.image_guidance if source else None
        return scale if scale and self.passing.loaded.components.variant.inputs == "edit" else None

    def conditions_now(self, level: Tensor) -> Conditions:
        """The conditions of this call: of one length if the settings say so, the negative ones left out where they say so."""
        conditions = self.passing.conditioning.at(self.calls)
        if self.edit_scale is not None:
            return Conditions([replace(one, weight=1.0) for one in conditions.positive], conditions.negative)
        if self.leaves_negative_out(level):
            return Conditions(conditions.positive, ())
        optimizations = self.run.settings.optimizations
        lengths = {condition.context.shape[0] for condition in (*conditions.positive, *conditions.negative)}
        if len(lengths) > 1 and optimizations.pad_conditions_v0:
            self.run.notes["Pad conds v0"] = True
            return padded_v0(conditions)
        if len(lengths) > 1 and optimizations.pad_conditions:
            self.run.notes["Pad conds"] = True
            return padded(conditions, self.passing.conditioning.empty())
        return conditions

    def leaves_negative_out(self, level: Tensor) -> bool:
        """Whether this call goes without the negative prompt: early ones, or every second one below a noise level."""
        early, optimizations = self.run.settings.sampling.skip_early, self.run.settings.optimizations
        if early and self.calls / self.expected <= early:
            self.run.notes["Skip Early CFG"] = early
            return True
        asked = self.run.request.sampler_options.s_min_uncond
        least = optimizations.s_min_uncond if asked is None else asked
        if least <= 0 or not (self.calls % 2 or optimizations.s_min_uncond_all) or not bool(level[0] < least):
            return False
        self.run.notes["NGMS"] = least
        if optimizations.s_min_uncond_all:
            self.run.notes["NGMS all steps"] = True
        return True

    def guide(self, step: Step, predictions: Predictions, network: Network) -> tuple[Tensor, Tensor]:
        """One prediction (B, C, h, w) from all of them, and that of the negative conditions."""
        scale, edit = self.run.request.guidance, self.edit_scale
        if edit is not None:
            return combine_edit(predictions, scale, edit), predictions.positive
        scale *= self.passing.choice.sampler.guidance_factor
        negative = predictions.negative if predictions.negative is not None else predictions.positive[: len(self.run.seeds)]
        result = combine(predictions, self.conditions.positive, scale)
        if self.run.hooks.listens("guide"):
            result = self.run.hooks.guide(self.run, Guidance(step, self.conditions, predictions, scale, network, result))
        return result, negative

    def refine(self, level: Tensor) -> None:
        """Let the refiner take over when its time has come."""
        if refined(self.run, self.passing, self.prediction, level, self.calls / self.expected):
            self.prediction = prediction_of(self.run, self.passing)
            self.around.close()
            self.around.enter_context(self.run.hooks.denoising(self.run, self.passing))

    def watched(self, x0: Tensor) -> None:
        """Count the call, show a preview, and stop where a person wants to."""
        self.calls += 1
        self.x0_seen = x0
        report = self.run.report
        if report.wants_preview():
            report.preview(thumbnail(self.run, self.passing.loaded.components, x0))
        report.step()
