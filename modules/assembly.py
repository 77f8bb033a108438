"""The part that makes pictures, put together from the command line's flags: for the program, and for each training's own process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.command_line import LaunchOptions
from modules.contract.services import Folders
from modules.settings.store import SettingsStore

if TYPE_CHECKING:
    from modules.contract.request import GenerationRequest
    from modules.pipeline.library import Places
    from modules.pipeline.manager import PipelineManager
    from modules.pipeline.relay import Relay
    from modules.plugins.installation import Installation
    from modules.runtime.device import Device
    from modules.screening import Detector

EXTENSIONS = Path(__file__).parents[1] / "extensions"
UPSCALER_KINDS = ("esrgan", "realesrgan", "bsrgan", "swinir", "scunet", "dat")
HANDED_ON = frozenset((
    "data_dir", "models_dir", "ckpt", "ckpt_dir", "vae_dir", "lora_dir", "embeddings_dir", "hypernetwork_dir", "controlnet_dir",
    *(f"{kind}_models_path" for kind in (*UPSCALER_KINDS, "gfpgan", "codeformer")), "styles_file",
    "no_half", "no_half_vae", "precision", "use_cpu", "device_id", "medvram", "lowvram", "content_filter",
    "disable_all_extensions", "disable_extra_extensions",
))  # fmt: skip  # no logins among them: they are written to the disk


def folders_of(options: LaunchOptions) -> Folders:
    """Where things lie, by the command line."""
    return Folders(data=options.data_dir, models=options.models_dir, outputs=options.data_dir / "outputs")


def handed_on(options: LaunchOptions) -> dict[str, Any]:
    """The flags that decide what pictures look like and where models lie, as values that JSON can hold."""
    return {name: plain(value) for name, value in vars(options).items() if name in HANDED_ON and value is not None}


def plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def handed_over(values: Mapping[str, Any]) -> LaunchOptions:
    """The flags that `handed_on` gave; all others are as they are without any flag."""
    types = {field.name: str(field.type) for field in fields(LaunchOptions)}
    known = {name: value for name, value in values.items() if name in HANDED_ON}
    paths = {name: Path(value) for name, value in known.items() if "Path" in types[name]}
    lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
    return LaunchOptions(**{**known, **paths, **lists})


def extensions_of(options: LaunchOptions, folders: Folders) -> "Installation":
    """The extensions, loaded."""
    from modules.plugins.installation import Installation

    forced = "all" if options.disable_all_extensions else "extra" if options.disable_extra_extensions else "none"
    return Installation.loaded(EXTENSIONS, folders.data, forced=forced)


def build_pipeline(
    options: LaunchOptions,
    settings: SettingsStore,
    folders: Folders,
    *,
    relays: "Callable[[GenerationRequest], Relay] | None" = None,
    device: "Device | None" = None,
    detectors: "Callable[[], Sequence[Detector]]" = list,
) -> "PipelineManager":
    """The part that makes pictures. Brings torch in. `device`: None is chosen when it is needed; `relays` as PipelineManager's;
    `detectors`: what looks at pictures for the content screen beside the classifiers in `models/safety`.
    """
    from modules.families.identify import check_checkpoint
    from modules.pipeline.library import Library
    from modules.pipeline.manager import PipelineManager
    from modules.pipeline.relay import Relay
    from modules.runtime.device import Wishes, choose
    from modules.screening import Classifiers, Screen

    classifiers = Classifiers(folders.models / "safety")
    wishes = Wishes(
        precision=options.precision,
        no_half=options.no_half,
        no_half_vae=options.no_half_vae,
        on_cpu=bool({"all", "sd"} & set(options.use_cpu)),
        device_id=str(options.device_id) if options.device_id is not None else None,
    )
    return PipelineManager(
        library=Library.at(folders.models, folders.data, check_checkpoint, places_of(options)),
        settings=settings,
        root=folders.data,
        device=lambda: device or choose(wishes),
        where="In groups" if options.lowvram else "One part at a time" if options.medvram else "Automatic",
        relays=relays or (lambda request: Relay.none()),
        screen=Screen(lambda: [*classifiers(), *detectors()], forced=options.content_filter),
    )


def places_of(options: LaunchOptions) -> "Places":
    """The further folders of models that the command line names."""
    from modules.pipeline.library import Places

    return Places(
        checkpoints=given(options.ckpt_dir),
        checkpoint_files=given(options.ckpt),
        vaes=given(options.vae_dir),
        loras=given(options.lora_dir),
        hypernetworks=given(options.hypernetwork_dir),
        embeddings=given(options.embeddings_dir),
        upscalers=[path for kind in UPSCALER_KINDS for path in given(getattr(options, f"{kind}_models_path"))],
        faces=[*given(options.gfpgan_models_path), *given(options.codeformer_models_path)],
        controlnets=given(options.controlnet_dir),
        styles=[Path(name) for name in options.styles_file],
    )


def given(path: Path | None) -> list[Path]:
    """A path as a list, empty without one."""
    return [path] if path else []
