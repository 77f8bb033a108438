"""The row above the tabs: the checkpoint, which is loaded as soon as it is chosen, and light or dark."""

from collections.abc import Mapping
from typing import Any

from modules.contract.errors import WebuiError
from modules.frontend.form import Component, Form, values_of
from modules.frontend.notices import Notices, Updates
from modules.frontend.services import PageServices
from modules.frontend.toolkit import gr


class Quicksettings:
    """Its components; `connect` needs the form whose size follows the checkpoint."""

    def __init__(self, services: PageServices) -> None:
        self.services = services
        with gr.Row(elem_id="quicksettings"):
            self.checkpoint = gr.Dropdown(
                **self.listed(), label="Stable Diffusion checkpoint", elem_id="setting_sd_model_checkpoint", interactive=True,
                scale=0, min_width=320)
            self.refresh = gr.Button("Look for checkpoints again", elem_id="refresh_sd_model_checkpoint",
                                     elem_classes=["tool", "icon-refresh"])
            self.theme = gr.Button("Light or dark", elem_id="webui_theme", elem_classes=["tool", "icon-theme"])

    def listed(self) -> dict[str, Any]:
        """The dropdown's choices and value as they are now."""
        chosen = self.services.models.chosen()
        choices = [(f"{entry.title} (cannot be used)" if entry.problem else entry.title, entry.title)
                   for entry in self.services.models.checkpoints()]
        return {"choices": choices, "value": chosen.title if chosen else None}

    def connect(self, page: gr.Blocks, form: Form, notices: Notices) -> None:
        quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        size = {"width": form["width"], "height": form["height"]}

        def choose(data: Mapping[Component, Any]) -> Updates:
            """Load the checkpoint; where that fails the old choice stays. A size that was the old one's default becomes the new one's."""
            before = values_of(self.services.defaults(), size)
            try:
                self.services.models.choose(data[self.checkpoint])
            except WebuiError as error:
                return {self.checkpoint: gr.update(**self.listed()), **notices.notice(error.message, error.hint)}
            changed: Updates = {self.checkpoint: gr.update(**self.listed())}
            if all(data[control] == before[name] for name, control in size.items()):
                after = values_of(self.services.defaults(), size)
                changed |= {control: after[name] for name, control in size.items()}
            return changed

        def current() -> Updates:
            return {self.checkpoint: gr.update(**self.listed())}

        def refresh() -> Updates:
            self.services.models.refresh()
            return current()

        both = [self.checkpoint, notices.box]
        self.checkpoint.input(notices.spoken(choose), {self.checkpoint, *size.values()}, [*both, *size.values()], concurrency_limit=1,
                              preprocess=False, show_progress="minimal", show_progress_on=self.checkpoint, api_visibility="private")
        self.refresh.click(notices.spoken(refresh), None, both, **quiet)
        page.load(notices.spoken(current), None, both, **quiet)
        self.theme.click(None, js="() => webui.theme.toggle()", **quiet)
