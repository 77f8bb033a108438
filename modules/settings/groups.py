"""The program's settings, one class for each page of the Settings tab.

The field names are ours; `key` is the name that A1111 gives the same setting in its `/sdapi/v1/options` and its
`override_settings`, where that differs.
"""

from typing import Literal

from pydantic import Field, SerializeAsAny

from modules.contract.declare import Choice, Color, Lines, ModelChoice, Number, Options, Slider, Text, Toggle
from modules.settings.interface import Appearance, Canvas, Downloads, Gallery, Interface, Notifications, Pasting, PromptEditing, Training
from modules.settings.sampling import Compatibility, Sampling


class Saving(Options):
    """Saving pictures"""

    enabled: bool = Toggle(True, "Always save all generated pictures", key="samples_save")
    format: Literal["png", "jpg", "webp", "avif"] = Choice(
        "png", "File format for pictures", key="samples_format", help="Only png keeps every pixel; webp can, too."
    )
    jpeg_quality: int = Slider(80, 1, 100, "Quality for saved JPEG and WEBP pictures", key="jpeg_quality")
    folder: str = Text(
        "outputs/txt2img-images",
        "Output folder for txt2img pictures",
        key="outdir_txt2img_samples",
        local=True,
        help="Inside the data folder, unless it is an absolute path given on this page.",
    )
    img2img_folder: str = Text("outputs/img2img-images", "Output folder for img2img pictures", key="outdir_img2img_samples", local=True)
    extras_folder: str = Text("outputs/extras-images", "Output folder for upscaled pictures", key="outdir_extras_samples", local=True)
    pattern: str = Text(
        "",
        "File name pattern",
        key="samples_filename_pattern",
        local=True,
        help="Empty: [seed]-[prompt_spaces]. Placeholders: [seed] [prompt] [prompt_spaces] [prompt_words] [steps] [cfg] "
        "[width] [height] [sampler] [scheduler] [model_name] [model_hash] [date] [datetime].",
    )
    use_subfolders: bool = Toggle(True, "Save pictures to a subfolder", key="save_to_dirs")
    subfolder_pattern: str = Text(
        "[date]",
        "Subfolder name pattern",
        key="directories_filename_pattern",
        help="Empty: no subfolder. The same placeholders as in file names.",
        local=True,
    )
    prompt_words: int = Slider(
        8, 1, 20, "Most words of [prompt_words]", key="directories_max_prompt_words", help="In the names of files and subfolders."
    )
    infotext_in_file: bool = Toggle(True, "Write the infotext into the picture's metadata", key="enable_pnginfo")
    before_hires: bool = Toggle(False, "Save the picture before Hires. fix too", key="save_images_before_highres_fix")
    before_faces: bool = Toggle(False, "Save the picture before face restoration too", key="save_images_before_face_restoration")
    before_colors: bool = Toggle(False, "Save the picture before colour correction too", key="save_images_before_color_correction")
    lossless_webp: bool = Toggle(False, "Save WEBP pictures without loss", key="webp_lossless")
    text_file: bool = Toggle(False, "Write the infotext into a text file beside each picture", key="save_txt")


class Grids(Options):
    """Grids"""

    save: bool = Toggle(True, "Always save all generated grids", key="grid_save")
    format: Literal["png", "jpg", "webp", "avif"] = Choice("png", "File format for grids", key="grid_format")
    only_if_multiple: bool = Toggle(True, "No grids of a single picture", key="grid_only_if_multiple")
    no_empty_spots: bool = Toggle(False, "Prevent empty spots in grids", key="grid_prevent_empty_spots")
    rows: int = Slider(-1, -1, 16, "Grid rows", key="n_rows", help="-1 chooses by the number of pictures, 0 is the batch size.")
    show: bool = Toggle(True, "Show grids in results", key="return_grid", help="A grid is the first of the pictures that a job shows.")
    text_color: str = Color("#000000", "Text colour of grids", key="grid_text_active_color")
    inactive_color: str = Color("#999999", "Inactive text colour of grids", key="grid_text_inactive_color")
    background: str = Color("#ffffff", "Background colour of grids", key="grid_background_color")
    largest: float = Number(200, "Largest grid in megapixels", key="img_max_size_mp", help="A grid that would be larger is not made.")
    font: str = Text("", "Font file for text in grids", key="font", local=True, help="Empty: a font that comes along.")
    folder: str = Text("outputs/txt2img-grids", "Output folder for txt2img grids", key="outdir_txt2img_grids", local=True)
    img2img_folder: str = Text("outputs/img2img-grids", "Output folder for img2img grids", key="outdir_img2img_grids", local=True)


class Model(Options):
    """Stable Diffusion"""

    checkpoint: str = ModelChoice("checkpoint", "Stable Diffusion checkpoint", key="sd_model_checkpoint")
    kept: int = Slider(
        1,
        1,
        10,
        "Checkpoints kept in memory",
        key="sd_checkpoints_limit",
        help="Going back to one of them takes no reading; each takes its size in memory.",
    )
    vae: str = ModelChoice(
        "vae", "SD VAE", default="Automatic", key="sd_vae", help="Automatic: the file of the checkpoint's name; None: the checkpoint's own."
    )
    vae_overrides: bool = Toggle(True, "The chosen VAE overrides a model's own preference", key="sd_vae_overrides_per_model_preferences")
    clip_skip: int = Slider(
        1, 1, 12, "Clip skip", key="CLIP_stop_at_last_layers", help="Take the text encoder's output this many layers before its end."
    )
    clip_skip_sdxl: bool = Toggle(False, "Clip skip acts on SDXL's first text encoder", key="sdxl_clip_l_skip")
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
    tiling: bool = Toggle(False, "Tiling", key="tiling", help="The picture's edges fit together.")
    refiner_pass: Literal["first pass", "second pass", "both passes"] = Choice(
        "second pass", "Hires. fix: the pass that the refiner takes part in", key="hires_fix_refiner_pass"
    )
    crop_top: int = Number(
        0,
        "SDXL crop top",
        key="sdxl_crop_top",
        help="Where SDXL is told that the picture was cut from, in pixels; 0 gives centred pictures.",
    )
    crop_left: int = Number(
        0,
        "SDXL crop left",
        key="sdxl_crop_left",
        help="Where SDXL is told that the picture was cut from, in pixels; 0 gives centred pictures.",
    )
    high_aesthetic: float = Number(6.0, "SDXL refiner: aesthetic score of the prompt", key="sdxl_refiner_high_aesthetic_score")
    low_aesthetic: float = Number(2.5, "SDXL refiner: aesthetic score of the negative prompt", key="sdxl_refiner_low_aesthetic_score")


class Networks(Options):
    """Extra networks"""

    lora: str = ModelChoice("lora", "Add a network to every prompt", default="None", key="sd_lora")
    hypernetwork: str = ModelChoice("hypernetwork", "Add a hypernetwork to every prompt", default="None", key="sd_hypernetwork")
    preferred_name: Literal["Alias from file", "Filename"] = Choice("Alias from file", "Refer to a LoRA by", key="lora_preferred_name")
    lora_hashes: bool = Toggle(True, "Add LoRA hashes to the infotext", key="lora_add_hashes_to_infotext")
    bundled_hashes: bool = Toggle(True, "Add the LoRA's name as hash of embeddings that it brings along", key="lora_bundled_ti_to_infotext")
    embedding_hashes: bool = Toggle(True, "Add embedding hashes to the infotext", key="textual_inversion_add_hashes_to_infotext")
    multiplier: float = Slider(
        1.0, 0.0, 2.0, "Multiplier of a network that a click adds", step=0.01, key="extra_networks_default_multiplier"
    )
    separator: str = Text(
        " ",
        "What stands before a network that a click adds",
        key="extra_networks_add_text_separator",
        help="A space, unless you want more.",
    )
    card_width: int = Slider(
        0,
        0,
        400,
        "Width of cards",
        key="extra_networks_card_width",
        help="In pixels, at least; 0 is the usual one. The cards' toolbar has it, too.",
    )
    kept: int = Slider(
        0, 0, 32, "Further LoRA files kept in memory", key="lora_in_memory_limit", help="Those in use stay in memory anyway."
    )


class Img2img(Options):
    """img2img"""

    mask_weight: float = Slider(
        1.0,
        0.0,
        1.0,
        "Inpainting conditioning mask strength",
        step=0.01,
        key="inpainting_mask_weight",
        help="For inpainting models: how much of what is under the mask they do not see. 1 hides all of it.",
    )
    noise_multiplier: float = Slider(
        1.0,
        0.0,
        1.5,
        "Noise multiplier for img2img",
        step=0.001,
        key="initial_noise_multiplier",
        help="Below 1 the result keeps more of the source's smoothness; above 1 it gets more detail.",
    )
    extra_noise: float = Slider(0.0, 0.0, 1.0, "Extra noise multiplier for img2img and Hires. fix", step=0.01, key="img2img_extra_noise")
    color_correction: bool = Toggle(False, "Match the colours of img2img results to the original", key="img2img_color_correction")
    exact_steps: bool = Toggle(False, "With img2img, do exactly the number of steps asked for", key="img2img_fix_steps")
    background: str = Color("#ffffff", "Colour under the transparent parts of a source picture", key="img2img_background_color")
    overlay: bool = Toggle(True, "Put the original back outside the mask", key="overlay_inpaint")
    return_mask: bool = Toggle(False, "Return the mask with inpainted pictures", key="return_mask")
    return_mask_composite: bool = Toggle(False, "Return the masked part with inpainted pictures", key="return_mask_composite")


class Upscaling(Options):
    """Upscaling"""

    tile: int = Slider(192, 0, 512, "Tile size of upscaler models", step=16, key="ESRGAN_tile", help="0 is the whole picture at once.")
    tile_overlap: int = Slider(8, 0, 48, "Tile overlap of upscaler models", key="ESRGAN_tile_overlap")
    for_img2img: str = ModelChoice(
        "upscaler",
        "Upscaler for img2img",
        default="None",
        key="upscaler_for_img2img",
        help="What enlarges a source picture that is smaller than the result; None is Lanczos.",
    )
    cached: int = Slider(5, 0, 10, "Upscaled pictures kept in memory", key="upscaling_max_images_in_cache")


class Faces(Options):
    """Face restoration"""

    enabled: bool = Toggle(False, "Restore faces", key="face_restoration", help="In every picture of txt2img and img2img.")
    model: str = ModelChoice(
        "face restorer",
        "Face restoration model",
        default="CodeFormer",
        key="face_restoration_model",
        help="Its file has to be in the models folder.",
    )
    codeformer_weight: float = Slider(
        0.5, 0.0, 1.0, "CodeFormer weight", step=0.01, key="code_former_weight", help="0 acts the most, 1 the least."
    )


class Optimizations(Options):
    """Optimizations"""

    attention: str = Text(
        "Automatic",
        "Cross attention optimization",
        key="cross_attention_optimization",
        help="Automatic, sdp, sdp-no-mem (the same picture in every run), None (the plain formula); A1111's other names are the first.",
    )
    s_min_uncond: float = Slider(
        0.0,
        0.0,
        15.0,
        "Negative guidance minimum sigma",
        step=0.01,
        key="s_min_uncond",
        help="Below this noise level the negative prompt is left out of every second call of the network.",
    )
    s_min_uncond_all: bool = Toggle(False, "Negative guidance minimum sigma: leave it out of all calls", key="s_min_uncond_all")
    token_merging: float = Slider(
        0.0,
        0.0,
        0.9,
        "Token merging ratio",
        step=0.1,
        key="token_merging_ratio",
        help="Share of similar tokens that the network treats as one: faster with large pictures, and a little different.",
    )
    token_merging_img2img: float = Slider(
        0.0, 0.0, 0.9, "Token merging ratio for img2img", step=0.1, key="token_merging_ratio_img2img", help="0 is the general one."
    )
    token_merging_hires: float = Slider(
        0.0, 0.0, 0.9, "Token merging ratio for Hires. fix", step=0.1, key="token_merging_ratio_hr", help="0 is the general one."
    )
    pad_conditions: bool = Toggle(False, "Pad the shorter of prompt and negative prompt", key="pad_cond_uncond")
    pad_conditions_v0: bool = Toggle(False, "Pad as before 1.6, cutting a long negative prompt", key="pad_cond_uncond_v0")
    batch_conditions: bool = Toggle(True, "Positive and negative prompt in one call of the network", key="batch_cond_uncond")
    keep_conditions: bool = Toggle(True, "Keep encoded prompts between jobs", key="persistent_cond_cache")
    vae_tile: int = Slider(
        0, 0, 4096, "VAE tile size", step=64, help="Pictures with a longer side go through the VAE in pieces: less memory. 0 is never."
    )
    fp8: Literal["Disable", "Enable for SDXL", "Enable"] = Choice(
        "Disable", "Keep weights in 8 bits", key="fp8_storage", help="Halves the memory of a network; the picture changes a little."
    )
    placement: Literal["Automatic", "Resident", "One part at a time", "In groups"] = Choice(
        "Automatic",
        "Where networks wait",
        help="Automatic decides by free memory. One part at a time is --medvram, in groups is --lowvram: less memory, slower.",
    )


class Preview(Options):
    """Live previews"""

    enabled: bool = Toggle(True, "Show live previews of the picture being made", key="live_previews_enable")
    method: Literal["Full", "Approx NN", "Approx cheap", "TAESD"] = Choice(
        "Approx cheap",
        "Live preview method",
        key="show_progress_type",
        help="Full decodes the picture, which is slow; TAESD does it with a small network where models/VAE-taesd has its file; Approx "
        "cheap reads the colours off the latents, and stands in for the others.",
    )
    seconds: float = Slider(0.5, 0.1, 10.0, "Least time between two previews, in seconds", step=0.1)


class Infotext(Options):
    """Infotext"""

    model_hash: bool = Toggle(True, "Add the model's hash", key="add_model_hash_to_info")
    model_name: bool = Toggle(True, "Add the model's name", key="add_model_name_to_info")
    vae_name: bool = Toggle(True, "Add the VAE's name", key="add_vae_name_to_info")
    vae_hash: bool = Toggle(True, "Add the VAE's hash", key="add_vae_hash_to_info")
    version: bool = Toggle(True, "Add the program's version", key="add_version_to_infotext")


class Api(Options):
    """API"""

    urls: bool = Toggle(
        False,
        "Take http:// and https:// addresses for pictures",
        key="api_enable_requests",
        local=True,
        help="Off: a program that asks for addresses on somebody's behalf is a way into the network that it stands in.",
    )
    forbid_local: bool = Toggle(True, "Refuse addresses of this network", key="api_forbid_local_requests", local=True)
    user_agent: str = Text("", "User agent for such requests", key="api_useragent", local=True)


class Screening(Options):
    """Content"""

    mode: Literal["Not chosen", "Off", "Blur", "Block"] = Choice(
        "Not chosen",
        "Content screen",
        key="content_screen",
        local=True,
        help="What is done with a picture that shows what is listed below. It needs an image classifier in a folder of models/safety; none "
        "comes with the program. Where a picture cannot be looked at, none is made. While it is on there are no live previews.",
    )
    limits: str = Lines(
        "nsfw: 0.5\nporn: 0.5\nhentai: 0.5\nsexual: 0.5\nexplicit: 0.5",
        "What the screen stops at",
        key="content_screen_limits",
        local=True,
        help="One line for each of the classifier's labels, with the score from 0 to 1 that is too much. Other labels do not count.",
    )
    words: str = Lines(
        "",
        "Words that no prompt may have",
        key="content_screen_words",
        local=True,
        help="One entry a line, whole words, compared after styles, wildcards and translation; 'a + b' refuses the two together.",
    )
    sign: bool = Toggle(
        False,
        "Sign saved pictures as generated (C2PA)",
        key="c2pa_sign",
        local=True,
        help="Content credentials that say that a program made the picture, signed with a key made on this machine. Needs the package "
        "c2pa-python. Whatever encodes the picture anew removes them.",
    )


class Limits(Options):
    """Limits"""

    queue_length: int = Slider(64, 1, 1000, "Jobs that may wait", help="Further requests are answered with status 429.")


class Settings(Options):
    """All pages; what a job gets is a frozen copy."""

    saving: Saving = Field(default_factory=Saving)
    grids: Grids = Field(default_factory=Grids)
    model: Model = Field(default_factory=Model)
    networks: Networks = Field(default_factory=Networks)
    sampling: Sampling = Field(default_factory=Sampling)
    img2img: Img2img = Field(default_factory=Img2img)
    upscaling: Upscaling = Field(default_factory=Upscaling)
    faces: Faces = Field(default_factory=Faces)
    optimizations: Optimizations = Field(default_factory=Optimizations)
    compatibility: Compatibility = Field(default_factory=Compatibility)
    preview: Preview = Field(default_factory=Preview)
    infotext: Infotext = Field(default_factory=Infotext)
    interface: Interface = Field(default_factory=Interface)
    appearance: Appearance = Field(default_factory=Appearance)
    gallery: Gallery = Field(default_factory=Gallery)
    prompt_editing: PromptEditing = Field(default_factory=PromptEditing)
    canvas: Canvas = Field(default_factory=Canvas)
    notifications: Notifications = Field(default_factory=Notifications)
    pasting: Pasting = Field(default_factory=Pasting)
    training: Training = Field(default_factory=Training)
    downloads: Downloads = Field(default_factory=Downloads)
    api: Api = Field(default_factory=Api)
    screening: Screening = Field(default_factory=Screening)
    limits: Limits = Field(default_factory=Limits)
    extensions: dict[str, SerializeAsAny[Options]] = Field(default_factory=dict[str, Options])  # the page of each that is in use


# The pages of the tab under their headings, in order.
HEADINGS = {
    "Saving": ("saving", "grids"),
    "Stable Diffusion": ("model", "networks", "sampling", "img2img", "optimizations", "compatibility"),
    "After generation": ("upscaling", "faces"),
    "User interface": (
        "interface", "appearance", "gallery", "preview", "prompt_editing", "canvas", "notifications", "infotext", "pasting",
    ),
    "Training": ("training",),
    "System": ("screening", "downloads", "api", "limits"),
}  # fmt: skip
