"""The program's settings, one class for each page of the Settings tab.

The field names are ours; `key` is the name that A1111 gives the same setting in its `/sdapi/v1/options` and its
`override_settings`, where that differs.
"""

from typing import Literal

from pydantic import Field

from modules.contract.declare import Choice, ModelChoice, Number, Options, Slider, Text, Toggle


class Saving(Options):
    """Saving pictures"""

    enabled: bool = Toggle(True, "Always save all generated pictures", key="samples_save")
    format: Literal["png", "jpg", "webp"] = Choice("png", "File format for pictures", key="samples_format")
    jpeg_quality: int = Slider(80, 1, 100, "Quality for saved JPEG and WEBP pictures", key="jpeg_quality")
    folder: str = Text(
        "outputs/txt2img-images",
        "Output folder for txt2img pictures",
        key="outdir_txt2img_samples",
        local=True,
        help="Inside the data folder, unless it is an absolute path given on this page.",
    )
    pattern: str = Text(
        "",
        "File name pattern",
        key="samples_filename_pattern",
        local=True,
        help="Empty: [seed]-[prompt_spaces]. Placeholders: [seed] [prompt] [prompt_spaces] [prompt_words] [steps] [cfg] "
        "[width] [height] [sampler] [scheduler] [model_name] [model_hash] [date] [datetime].",
    )
    use_subfolders: bool = Toggle(True, "Save pictures to a subfolder", key="save_to_dirs")
    subfolder_pattern: str = Text("[date]", "Subfolder name pattern", key="directories_filename_pattern", local=True)
    infotext_in_file: bool = Toggle(True, "Write the infotext into the picture's metadata", key="enable_pnginfo")
    text_file: bool = Toggle(False, "Write the infotext into a text file beside each picture", key="save_txt")


class Model(Options):
    """Stable Diffusion"""

    checkpoint: str = ModelChoice("checkpoint", "Stable Diffusion checkpoint", key="sd_model_checkpoint")
    kept: int = Slider(1, 1, 10, "Checkpoints kept in memory", key="sd_checkpoints_limit")
    clip_skip: int = Slider(
        1, 1, 12, "Clip skip", key="CLIP_stop_at_last_layers", help="Take the text encoder's output this many layers before its end."
    )
    random_source: Literal["GPU", "CPU", "NV"] = Choice(
        "GPU",
        "Random number generator source",
        key="randn_source",
        help="CPU gives the same picture on every machine; NV gives on every machine what an NVIDIA card gives.",
    )
    emphasis: Literal["None", "Ignore", "Original", "No norm"] = Choice(
        "Original", "Emphasis mode", key="emphasis", help="How (words:1.2) act on the encoded prompt."
    )
    comma_backtrack: int = Slider(
        20,
        0,
        74,
        "Prompt word wrap length limit",
        key="comma_padding_backtrack",
        help="When a chunk of 75 tokens is full, everything after a comma at most this far back moves to the next.",
    )
    prompt_comments: bool = Toggle(True, "Leave out # comments in prompts", key="enable_prompt_comments")


class Sampling(Options):
    """Sampler parameters"""

    eta_ddim: float = Slider(0.0, 0.0, 1.0, "Eta for DDIM", step=0.01, key="eta_ddim")
    eta_ancestral: float = Slider(1.0, 0.0, 1.0, "Eta for ancestral samplers", step=0.01, key="eta_ancestral")
    s_churn: float = Slider(0.0, 0.0, 100.0, "Sigma churn", step=0.01, key="s_churn")
    s_tmin: float = Slider(0.0, 0.0, 10.0, "Sigma tmin", step=0.01, key="s_tmin")
    s_tmax: float = Slider(0.0, 0.0, 999.0, "Sigma tmax", step=0.01, key="s_tmax", help="0 is no limit.")
    s_noise: float = Slider(1.0, 0.0, 1.1, "Sigma noise", step=0.001, key="s_noise")
    sigma_min: float = Number(0.0, "Schedule min sigma", key="sigma_min", help="0 takes the model's own.")
    sigma_max: float = Number(0.0, "Schedule max sigma", key="sigma_max", help="0 takes the model's own.")
    rho: float = Number(0.0, "Schedule rho", key="rho", help="Steepness of the Karras schedule; 0 takes 7.")
    noise_seed_delta: int = Number(
        0, "Eta noise seed delta", key="eta_noise_seed_delta", help="Added to the seed for all noise after the first."
    )
    batch_conditions: bool = Toggle(True, "Positive and negative prompt in one call of the network", key="batch_cond_uncond")


class Preview(Options):
    """Live previews"""

    enabled: bool = Toggle(True, "Show live previews of the picture being made", key="live_previews_enable")
    method: Literal["Full", "Approx cheap"] = Choice(
        "Approx cheap",
        "Live preview method",
        key="show_progress_type",
        help="Full decodes the picture, which is slow; Approx cheap reads its colours off the latents.",
    )
    seconds: float = Slider(0.5, 0.1, 10.0, "Least time between two previews, in seconds", step=0.1)


class Infotext(Options):
    """Infotext"""

    model_hash: bool = Toggle(True, "Add the model's hash", key="add_model_hash_to_info")
    model_name: bool = Toggle(True, "Add the model's name", key="add_model_name_to_info")
    version: bool = Toggle(True, "Add the program's version", key="add_version_to_infotext")


class Limits(Options):
    """Limits"""

    queue_length: int = Slider(64, 1, 1000, "Jobs that may wait", help="Further requests are answered with status 429.")


class Settings(Options):
    """All pages; what a job gets is a frozen copy."""

    saving: Saving = Field(default_factory=Saving)
    model: Model = Field(default_factory=Model)
    sampling: Sampling = Field(default_factory=Sampling)
    preview: Preview = Field(default_factory=Preview)
    infotext: Infotext = Field(default_factory=Infotext)
    limits: Limits = Field(default_factory=Limits)
