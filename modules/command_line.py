"""The command line: flags with A1111's names, checked before anything is installed or loaded; standard library only."""

import argparse
import difflib
import hmac
import ipaddress
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

ROOT = Path(__file__).resolve().parent.parent
SHORTEST_PASSWORD = 16  # characters, where others than this machine can connect

WITHOUT_EFFECT = (  # of A1111's flags, those for what is always so here or has no counterpart: start scripts written for it keep working
    "--skip-python-version-check --skip-torch-cuda-test --skip-version-check --skip-prepare-environment --skip-install "
    "--update-check --update-all-extensions --do-not-download-clip --no-download-sd-model --enable-console-prompts "
    "--upcast-sampling --opt-sdp-attention --opt-sdp-no-mem-attention --opt-split-attention --opt-split-attention-v1 "
    "--opt-split-attention-invokeai --opt-sub-quad-attention --disable-opt-split-attention --opt-channelslast --force-enable-xformers "
    "--xformers-flash-attention --always-batch-cond-uncond --disable-nan-check --disable-model-loading-ram-optimization --lowram "
    "--no-gradio-queue --gradio-queue --add-stop-route --show-negative-prompt --unload-gfpgan --deepdanbooru "
    "--disable-console-progressbars --no-progressbar-hiding"
).split()

MODEL_FOLDERS = {
    "--ckpt-dir": "checkpoints",
    "--vae-dir": "VAEs",
    "--lora-dir": "LoRAs",
    "--embeddings-dir": "embeddings",
    "--hypernetwork-dir": "hypernetworks",
    "--controlnet-dir": "ControlNets",
    "--esrgan-models-path": "ESRGAN upscalers",
    "--realesrgan-models-path": "Real-ESRGAN upscalers",
    "--bsrgan-models-path": "BSRGAN upscalers",
    "--swinir-models-path": "SwinIR upscalers",
    "--scunet-models-path": "ScuNET upscalers",
    "--dat-models-path": "DAT upscalers",
    "--gfpgan-models-path": "GFPGAN face restorers",
    "--codeformer-models-path": "CodeFormer face restorers",
}


class Secret:
    """A text that shows as *** wherever it is printed, formatted or logged, and that JSON refuses."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "***"

    def __len__(self) -> int:
        return len(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.matches(other._text)

    def __hash__(self) -> int:
        return hash(self._text)

    def reveal(self) -> str:
        """The text itself, for the one place that compares it."""
        return self._text

    def matches(self, text: str) -> bool:
        """Whether `text` is the secret; a near miss takes as long as a far one."""
        return hmac.compare_digest(self._text.encode(), text.encode())


@dataclass(frozen=True)
class Login:
    """A name and the password it comes in with."""

    name: str
    password: Secret


@dataclass(frozen=True)
class LaunchOptions:
    """What the command line asked for, named as its flags. Paths are absolute; None and () mean that a flag was not given."""

    port: int = 7860
    listen: bool = False
    server_name: str | None = None
    nowebui: bool = False
    api: bool = True
    api_server_stop: bool = False
    gradio_auth: tuple[Login, ...] = ()
    api_auth: tuple[Login, ...] = ()
    allow_host: tuple[str, ...] = ()
    cors_allow_origins: tuple[str, ...] = ()

    data_dir: Path = ROOT
    models_dir: Path = ROOT / "models"
    ckpt: Path | None = None
    ckpt_dir: Path | None = None
    vae_dir: Path | None = None
    lora_dir: Path | None = None
    embeddings_dir: Path | None = None
    hypernetwork_dir: Path | None = None
    controlnet_dir: Path | None = None
    esrgan_models_path: Path | None = None
    realesrgan_models_path: Path | None = None
    bsrgan_models_path: Path | None = None
    swinir_models_path: Path | None = None
    scunet_models_path: Path | None = None
    dat_models_path: Path | None = None
    gfpgan_models_path: Path | None = None
    codeformer_models_path: Path | None = None
    styles_file: tuple[str, ...] = ()

    no_half: bool = False
    no_half_vae: bool = False
    precision: str = "autocast"
    use_cpu: tuple[str, ...] = ()
    device_id: int | None = None
    medvram: bool = False
    lowvram: bool = False
    xformers: bool = False
    skip_load_model_at_start: bool = False

    disable_all_extensions: bool = False
    disable_extra_extensions: bool = False
    content_filter: Literal["Off", "Blur", "Block"] = "Off"
    extensions_index: str = ""
    new_extension: str = ""

    theme: Literal["light", "dark"] | None = None
    autolaunch: bool = False
    no_browser: bool = False
    loglevel: str = "INFO"

    no_venv: bool = False
    torch: str | None = None
    self_test: bool = False
    pytest_arguments: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """The address to listen on."""
        return self.server_name or ("0.0.0.0" if self.listen else "127.0.0.1")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)

    @property
    def opens_browser(self) -> bool:
        """Whether to show the page in a browser once it is there."""
        return self.autolaunch or (self.is_local and not self.no_browser and not self.nowebui)

    @property
    def logins(self) -> tuple[Login, ...]:
        """Everyone who may come in. As soon as there is one, page and API alike are to ask for it."""
        return self.gradio_auth + self.api_auth


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the list of all flags."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[:1].upper()}{message[1:]}; `python webui.py --help` lists the flags.\n")


def parse(arguments: Sequence[str]) -> LaunchOptions:
    """What the command line and the COMMANDLINE_ARGS variable ask for; where both set a flag, the command line's value holds.

    Ends the program with one sentence and status 2 if something is wrong, and with status 0 after --help.
    """
    parser = flags()
    given, rest = parser.parse_known_args([*from_environment(parser), *arguments])
    without_effect = [argument for argument in rest if argument in WITHOUT_EFFECT]
    unknown = [argument for argument in rest if argument not in WITHOUT_EFFECT]
    if unknown and not given.self_test:
        refuse(parser, unknown[0])

    values = vars(given)
    files = values.pop("gradio_auth_path")
    values["port"] = given.port if given.port is not None else 7861 if given.nowebui else 7860
    values["data_dir"] = given.data_dir or ROOT
    values["models_dir"] = given.models_dir or values["data_dir"] / "models"
    values["gradio_auth"] = (*given.gradio_auth, *files)
    values["use_cpu"] = tuple(part.lower() for part in given.use_cpu)
    for name in ("allow_host", "styles_file"):
        values[name] = tuple(values[name])
    options = LaunchOptions(**values, pytest_arguments=tuple(unknown), warnings=tuple(warnings(arguments, without_effect)))
    if not options.is_local:
        demand_login(parser, options)
    return options


def warnings(arguments: Sequence[str], without_effect: Sequence[str]) -> list[str]:
    """What a person should know although the program starts."""
    found: list[str] = []
    if without_effect:
        found.append(f"Without effect here: {' '.join(without_effect)}.")
    if any(argument.partition("=")[0] in ("--gradio-auth", "--api-auth") for argument in arguments):
        found.append("Other users of this machine can see a password on the command line; --gradio-auth-path FILE reads it from a file.")
    return found


def flags() -> Parser:
    """The parser that knows all flags."""
    parser = Parser(prog="webui.py", usage="python webui.py [flags]", allow_abbrev=False,
                    description="Easel, an image studio for Stable Diffusion in the browser.")

    start = parser.add_argument_group("installing and starting")
    start.add_argument("--self-test", action="store_true", help="check the program instead of starting it; other arguments go to pytest")
    start.add_argument("--no-venv", action="store_true", help="use the environment this runs in, install nothing")
    start.add_argument("--torch", metavar="BUILD", help="PyTorch to install: cpu, cuda, cuda12, rocm, mps, default, or a requirement")
    start.add_argument("--xformers", action="store_true", help="install and use xformers (NVIDIA cards)")
    start.add_argument("--loglevel", type=str.upper, choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), default="INFO",
                       metavar="LEVEL", help="how much to log: debug, info, warning, error, critical (info)")

    network = parser.add_argument_group("network")
    network.add_argument("--port", type=port, help="port (7860; 7861 with --nowebui)")
    network.add_argument("--listen", action="store_true", help="let other machines connect; needs a login")
    network.add_argument("--server-name", metavar="HOST", help="the address to listen on (127.0.0.1)")
    network.add_argument("--gradio-auth", type=logins, default=(), metavar="NAME:PASSWORD[,...]", help="ask for a login")
    network.add_argument("--gradio-auth-path", type=logins_in, default=(), metavar="FILE", help="the same, read from a file")
    network.add_argument("--api-auth", type=logins, default=(), metavar="NAME:PASSWORD[,...]", help="logins for programs")
    network.add_argument("--allow-host", type=exact, action="append", default=[], metavar="HOST",
                         help="another name that this machine is reached by; can be repeated")
    network.add_argument("--cors-allow-origins", type=origins, default=(), metavar="ORIGINS",
                         help="web pages, by comma, whose scripts may use the API")
    network.add_argument("--api", action="store_true", default=True, help="accepted; the API is always there")
    network.add_argument("--api-server-stop", action="store_true", help="let the API end the program")
    network.add_argument("--nowebui", action="store_true", help="the API alone, without the page")

    folders = parser.add_argument_group("files and folders")
    folders.add_argument("--data-dir", type=absolute, metavar="FOLDER",
                         help="models, settings and pictures, laid out as A1111's (this folder)")
    folders.add_argument("--models-dir", type=absolute, metavar="FOLDER", help="models (`models` in the data folder)")
    folders.add_argument("--ckpt", type=existing, metavar="FILE", help="the checkpoint to start with")
    for flag, what in MODEL_FOLDERS.items():
        folders.add_argument(flag, type=existing, metavar="FOLDER", help=f"a further folder of {what}")
    folders.add_argument("--styles-file", action="append", default=[], metavar="FILE", help="styles (styles.csv); can be repeated")

    model = parser.add_argument_group("device and precision")
    model.add_argument("--device-id", type=int, metavar="N", help="the graphics card to use, counted from 0")
    model.add_argument("--use-cpu", nargs="+", default=[], metavar="PART", help="run these parts, or `all`, on the processor")
    model.add_argument("--precision", choices=("full", "half", "autocast"), default="autocast", help="full is float32 everywhere")
    model.add_argument("--no-half", action="store_true", help="keep the model in float32")
    model.add_argument("--no-half-vae", action="store_true", help="keep the VAE in float32")
    model.add_argument("--medvram", action="store_true", help="keep only the part of the model at work on the card")
    model.add_argument("--lowvram", action="store_true", help="keep only layers at work on the card: least memory, slow")
    model.add_argument("--skip-load-model-at-start", action="store_true", help="load the checkpoint with the first picture")

    content = parser.add_argument_group("content")
    content.add_argument("--content-filter", type=str.capitalize, choices=("Off", "Blur", "Block"), default="Off",
                         help="the least that pictures are screened; no setting goes below it")

    add_extension_flags(parser)

    page = parser.add_argument_group("page")
    page.add_argument("--theme", choices=("light", "dark"), help="colours (as the browser is set)")
    page.add_argument("--autolaunch", action="store_true", help="open the browser even where that is not the habit")
    page.add_argument("--no-browser", action="store_true", help="do not open the browser")
    return parser


def add_extension_flags(parser: Parser) -> None:
    """The flags about extensions."""
    extensions = parser.add_argument_group("extensions")
    extensions.add_argument("--disable-all-extensions", action="store_true", help="start without any extension")
    extensions.add_argument("--disable-extra-extensions", action="store_true", help="start with those that come along only")
    extensions.add_argument("--new-extension", metavar="NAME", default="", help="write a small extension to begin with, and end")
    extensions.add_argument("--extensions-index", metavar="URL", default=os.environ.get("WEBUI_EXTENSIONS_INDEX", ""),
                            help="the list of extensions that the page offers at first")


def from_environment(parser: Parser) -> list[str]:
    """The arguments in the COMMANDLINE_ARGS variable, where A1111's start scripts keep theirs."""
    text = os.environ.get("COMMANDLINE_ARGS", "")
    try:
        parts = shlex.split(text, posix=os.name == "posix")
    except ValueError:
        parser.error("a quotation mark in the variable COMMANDLINE_ARGS is not closed")
    return parts if os.name == "posix" else [part.strip('"') for part in parts]  # on Windows \ is no escape, but part of a path


def refuse(parser: Parser, argument: str) -> NoReturn:
    """End the program for an argument that nothing knows."""
    name = argument.partition("=")[0]
    if not name.startswith("-"):
        parser.error(f"'{argument}' does not belong to any flag")
    known = [flag.lstrip("-") for flag in parser._option_string_actions]
    near = difflib.get_close_matches(name.lstrip("-"), known, n=3)
    parser.error(f"there is no flag {name}" + (f", but --{' and --'.join(near)}" if near else ""))


def demand_login(parser: Parser, options: LaunchOptions) -> None:
    """End the program unless those who can connect from outside will be asked for a password that cannot be guessed."""
    if options.logins and all(len(login.password) >= SHORTEST_PASSWORD for login in options.logins):
        return
    flag = f"--server-name {options.server_name}" if options.server_name else "--listen"
    wrong = "it needs a login" if not options.logins else f"each password needs at least {SHORTEST_PASSWORD} characters"
    parser.exit(2, f"With {flag} other machines can connect, so {wrong}: write name:password, the password at least {SHORTEST_PASSWORD} "
                   f"characters long, into a file logins.txt and start with `python webui.py {flag} --gradio-auth-path logins.txt`.\n")


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, reaches this machine from itself only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def port(text: str) -> int:
    """A port's number; 0 lets the system choose one."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port; it must be a number from 0 to 65535")
    return int(text)


def logins(text: str) -> tuple[Login, ...]:
    """The logins in name:password, one after a comma or a line break."""
    found: list[Login] = []
    for part in filter(None, (part.strip() for part in re.split(r"[,\n]", text))):
        name, colon, password = part.partition(":")
        if not (name and colon and password):
            raise argparse.ArgumentTypeError(f"login {len(found) + 1} is not written as name:password")
        found.append(Login(name, Secret(password)))
    if not found:
        raise argparse.ArgumentTypeError("there is no login in it; one is written as name:password")
    return tuple(found)


def logins_in(text: str) -> tuple[Login, ...]:
    """The logins in a file."""
    try:
        return logins(Path(text).expanduser().read_text("utf8"))
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be read ({getattr(error, 'strerror', 'it is not UTF-8 text')})") from None


def origins(text: str) -> tuple[str, ...]:
    """The origins between commas."""
    return tuple(exact(part.strip()) for part in text.split(",") if part.strip())


def exact(text: str) -> str:
    """A host or an origin; not a pattern, which would let in every web page."""
    if "*" in text:
        raise argparse.ArgumentTypeError(f"'{text}' would let in every web page; name each one")
    return text


def absolute(text: str) -> Path:
    """A path as seen from where the program was started."""
    return Path(text).expanduser().absolute()


def existing(text: str) -> Path:
    """A path that is there."""
    if not absolute(text).exists():
        raise argparse.ArgumentTypeError(f"{text} does not exist")
    return absolute(text)
