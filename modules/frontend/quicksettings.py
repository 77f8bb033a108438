"""The row above the tabs: the checkpoint, which is loaded as soon as it is chosen, further settings, and light or dark."""

from collections.abc import Mapping, Sequence
from typing import Any

from modules.contract.errors import WebuiError
from modules.frontend.asking import values_of
from modules.frontend.form import Form
from modules.frontend.lists import Lists
from modules.frontend.notices import Notices, Updates
from modules.frontend.services import PageServices
from modules.frontend.toolkit import Component, gr, part, tool

SIZE = ("width", "height")
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


class Quicksettings:
    """Its components; `connect` needs the forms whose size follows the checkpoint, and the lists that a refresh brings up to date."""

    def __init__(self, services: PageServices) -> None:
        self.services = services
        with gr.Row(elem_id="quicksettings"):
            part("webui-brand", "webui_brand")
            self.checkpoint = gr.Dropdown(
                **self.listed(), label="Stable Diffusion checkpoint", elem_id="setting_sd_model_checkpoint", interactive=True, scale=0,
                min_width=320)  # fmt: skip
            self.refresh = tool("Look for models again", "refresh_sd_model_checkpoint", "refresh")
            part("webui-quicksettings", "webui_quicksettings")
            self.theme = tool("Light or dark", "webui_theme", "theme")
        self.asked = gr.Textbox("", elem_id="webui_asked_checkpoint", visible="hidden", show_label=False)
        self.change = gr.Button("Change checkpoint", elem_id="change_checkpoint", visible="hidden")

    def listed(self) -> dict[str, Any]:
        """The dropdown's choices and value as they are now."""
        chosen = self.services.models.chosen()
        choices = [
            (f"{entry.title} (cannot be used)" if entry.problem else entry.title, entry.title)
            for entry in self.services.models.checkpoints()
        ]
        return {"choices": choices, "value": chosen.title if chosen else None}

    def connect(self, page: gr.Blocks, forms: Sequence[Form], lists: Lists, notices: Notices) -> None:
        sizes = {control: name for form in forms for name, control in form.controls.items() if name in SIZE}

        def choose(data: Mapping[Component, Any]) -> Updates:
            """Load the checkpoint; where that fails the old choice stays. A size that was the old one's default becomes the new one's."""
            before = values_of(self.services.defaults())
            try:
                self.services.models.choose(data[self.asked] if self.asked in data else data[self.checkpoint])
            except WebuiError as error:
                return {self.checkpoint: gr.update(**self.listed()), **notices.notice(error.message, error.hint)}
            after = values_of(self.services.defaults())
            followed = {
                control: after[form_name]
                for form in forms
                if all(data[form[name]] == before[name] for name in SIZE)
                for control, form_name in sizes.items()
                if control in form.components()
            }
            return {self.checkpoint: gr.update(**self.listed()), **followed}

        def current() -> Updates:
            return {self.checkpoint: gr.update(**self.listed()), **lists.updates()}

        def refresh() -> Updates:
            self.services.models.refresh()
            return current()

        everything = [self.checkpoint, notices.box, *lists.components()]
        how: dict[str, Any] = {
            "concurrency_limit": 1, "preprocess": False, "show_progress": "minimal", "show_progress_on": self.checkpoint,
            "api_visibility": "private",
        }  # fmt: skip
        changed = [self.checkpoint, notices.box, *sizes]
        self.checkpoint.input(notices.spoken(choose), {self.checkpoint, *sizes}, changed, **how)
        self.change.click(notices.spoken(choose), {self.asked, *sizes}, changed, **how)
        self.refresh.click(notices.spoken(refresh), None, everything, **QUIET)
        page.load(notices.spoken(current), None, everything, **QUIET)
        self.theme.click(None, js="() => webui.theme.toggle()", **QUIET)
