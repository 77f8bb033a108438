"""Model presets: infotexts under names, trigger words and an address for each model file. See README.md."""

from fastapi import APIRouter

from extensions.model_presets.routes import add_routes
from modules.plugins import Extension, Host, Options, Tab, Toggle


class ModelPresets(Extension):
    """A page in Tools; pictures are left alone."""

    class Settings(Options):
        """The page of the Settings tab."""

        apply_default: bool = Toggle(
            False,
            "Apply the default preset when another checkpoint is chosen",
            help="It goes into the form that is, or was last, in front.",
        )

    tab = Tab("Model presets", "easel-model-presets")

    @classmethod
    def routes(cls, router: APIRouter, host: Host) -> None:
        """What the page asks for."""
        add_routes(router, host)
