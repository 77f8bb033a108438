"""`python -m modules.demo [STEP …] --work FOLDER`: trains the demo checkpoint, or some steps of it, from nothing.

The steps are `judge`, `face-judge`, `upscaler`, `detector`, `vae`, `text`, `latents`, `unet`, `decoder`, `export`, `control` and
`sheet`, in this order; each goes on where it was stopped. The first four need no other step, and `control` (the control network) only
the exported checkpoint; `export` writes what there is so far, also while `unet` is running; `sheet` shows what the exported
checkpoint makes of unseen combinations.

`mushroom`, `dusk` (LoRAs), `charm` (Textual Inversion), `cottage` (DreamBooth) and `umbrella` (fine-tuning) teach the finished checkpoint
a lesson each, with the process that the Train tab starts, and tell how many of twelve pictures show it with the file and without.
"""

import argparse
from contextlib import nullcontext
from pathlib import Path

import torch

from . import (
    autoencoder_training,
    control_training,
    decoder_training,
    denoiser_training,
    detector_training,
    export,
    face_judge,
    judge,
    latents,
    reading,
    teaching,
    trial,
    upscaler_training,
)
from .normalization import quick_group_norm

STEPS = ("judge", "face-judge", "upscaler", "detector", "vae", "text", "latents", "unet", "decoder", "export", "control", "sheet")
LESSONS = tuple(teaching.LESSONS)


def main() -> None:
    """Runs the steps asked for."""
    parser = argparse.ArgumentParser(prog="python -m modules.demo", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join((*STEPS, *LESSONS))}; if none, all from vae to sheet")
    parser.add_argument("--work", type=Path, default=Path("demo-training"), help="folder for what is half done")
    parser.add_argument("--out", type=Path, help="the file to write; the bundled one if not given")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--denoiser-steps", type=int, default=denoiser_training.STEPS)
    parser.add_argument("--workers", type=int, default=1, help="processes of one thread each that train the denoiser")
    chosen = parser.parse_args()
    for step in chosen.steps:
        if step not in (*STEPS, *LESSONS):
            parser.error(f"{step} is no step; the steps are {', '.join((*STEPS, *LESSONS))}.")
    chosen.work.mkdir(parents=True, exist_ok=True)
    device = torch.device(chosen.device)
    with quick_group_norm() if device.type == "cpu" else nullcontext():
        for step in chosen.steps or STEPS[4:]:
            if step in STEPS:
                run(step, chosen, device)
    for step in (step for step in chosen.steps if step in LESSONS):
        print(teaching.told(step, chosen.work, chosen.out), flush=True)


def run(step: str, chosen: argparse.Namespace, device: torch.device) -> None:
    """One step of the training."""
    work: Path = chosen.work
    checkpoint: Path = chosen.out or Path("models/Stable-diffusion/demo.safetensors")
    match step:
        case "judge":
            judge.train()
        case "face-judge":
            face_judge.train()
        case "upscaler":
            upscaler_training.train(work, chosen.out or Path("models/ESRGAN/demo-2x.safetensors"), device)
        case "detector":
            detector_training.train(work, chosen.out or Path("models/adetailer/demo-faces.onnx"))
        case "vae":
            autoencoder_training.train(work, device)
        case "text":
            reading.train(work, device)
        case "latents":
            latents.scale(work, device)
            latents.keep(work, device)
        case "unet":
            denoiser_training.train(work, device, chosen.denoiser_steps, chosen.workers)
        case "decoder":
            decoder_training.train(work, device)
        case "export":
            export.write_parts(work, work / "export")
            export.write_checkpoint(work, checkpoint)
        case "control":
            control_training.train(work, Path("models/Stable-diffusion/demo.safetensors"), device)
            control_training.write(work, chosen.out or Path("models/ControlNet/demo-lines.safetensors"))
        case _:
            prompts = [text for text, _ in judge.prompts()][: trial.COLUMNS * trial.ROWS]
            made = trial.pictures(checkpoint, prompts)
            trial.write_sheet(checkpoint.parents[1] / "demo-sheet.jpg", made, prompts)


if __name__ == "__main__":
    main()
