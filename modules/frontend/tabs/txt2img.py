"""The txt2img tab: its form with Hires. fix, and the second pass over a picture that is there already."""

import json
from collections.abc import Mapping
from typing import Any

from modules.contract.errors import BadRequest
from modules.contract.request import SeedVariation
from modules.frontend.asking import hires, text_request
from modules.frontend.fields import SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE, TextToImage
from modules.frontend.lists import Lists
from modules.frontend.notices import Notices, Updates
from modules.frontend.services import PageServices
from modules.frontend.tabs.generation import QUIET, GenerationTab
from modules.frontend.toolkit import gr, part
from modules.imaging.opening import open_image
from modules.infotext.overrides import from_texts

TAB = "txt2img"


class TextToImageTab(GenerationTab):
    """The tab's controls; `connect` gives them their events."""

    def __init__(self, services: PageServices, notices: Notices, lists: Lists) -> None:
        super().__init__(TAB, TextToImage, services, notices, lists)

    def fields(self) -> None:
        self.sampler()
        with gr.Row(elem_id=f"{TAB}_accordions", elem_classes=["accordions"]):
            self.hires()
            self.refiner()
        with gr.Row(elem_id=f"{TAB}_dimensions", elem_classes=["dimensions"]):
            self.size()
            self.batches()
        self.form.add("guidance")
        self.seeds()
        self.scripts()

    def hires(self) -> None:
        add, lists, services = self.form.add, self.lists, self.services
        with gr.Column(elem_id=f"{TAB}_hr", elem_classes=["switched"], min_width=200):
            add("hires", container=False, elem_classes=["switch"])
            part("webui-hires-size", "txtimg_hr_finalres")
            with gr.Column(elem_classes=["switched-body"]):
                with gr.Row():
                    upscaler = add("hires_upscaler", choices=services.hires_upscalers(), filterable=True, min_width=140)
                    lists.add(upscaler, services.hires_upscalers)
                    add("hires_steps", min_width=120)
                    add("strength", min_width=120)
                with gr.Row():
                    add("hires_scale", min_width=120)
                    add("hires_width", min_width=120)
                    add("hires_height", min_width=120)
                with gr.Row(elem_id=f"{TAB}_hires_fix_row3", elem_classes=["hires-sampler"]):
                    titles = services.checkpoint_titles
                    checkpoint = add("hires_checkpoint", choices=[SAME_CHECKPOINT, *titles()], filterable=True, min_width=160)
                    lists.add(checkpoint, titles, SAME_CHECKPOINT)
                    add("hires_sampler", choices=[SAME_SAMPLER, *self.samplers], min_width=120)
                    add("hires_schedule", choices=[SAME_SCHEDULE, *self.schedules], min_width=120)
                with gr.Row(elem_id=f"{TAB}_hires_fix_row4", elem_classes=["hires-prompts"]):
                    same = "Empty: as the first pass"
                    look: dict[str, Any] = {"lines": 3, "max_lines": 12, "elem_classes": ["prompt"], "min_width": 160}
                    add("hires_prompt", placeholder=same, **look)
                    add("hires_negative_prompt", placeholder=same, **look)

    def connect(self, page: gr.Blocks) -> None:
        """As both tabs, and the button that enlarges the selected picture."""
        super().connect(page)
        assert self.gallery.upscale
        self.gallery.upscale.click(
            self.notices.spoken(self.upscale),
            [*self.form.components(), self.parts, self.gallery.info, self.gallery.wanted],
            [self.ticket, self.notices.box],
            trigger_mode="multiple", preprocess=False, js=f"(...values) => webui.results.forUpscale('{TAB}', values)", **QUIET,
        )  # fmt: skip

    def submitted(self, values: Mapping[str, Any], more: Mapping[str, Any], *, owner: str, local: bool) -> str:
        request = text_request(values, more.get("extensions", {}), from_texts)
        return self.services.submit(self.services.generation.check(request), owner=owner)

    def upscale(self, *values: Any) -> Updates:
        """The second pass over the selected picture, with the seeds of its infotext and the form's settings; its result takes the place
        of the picture in the gallery (the ticket says which).
        """
        *fields, parts, info, number = values
        named = self.form.named(fields)
        chosen = self.gallery.chosen(info, number)
        if chosen.file is None or not chosen.saved:
            raise BadRequest("A picture that was not saved cannot be enlarged.", "Save pictures, or send this one to Extras.")
        picture = chosen.file.read_bytes()
        told = self.services.paste(chosen.infotext).request
        request = text_request({**named, "hires": False}, {}, from_texts).replace(
            size=open_image(picture).size,
            batch_size=1,
            batch_count=1,
            seed=told.get("seed", -1),
            variation=SeedVariation(**told["variation"]) if "variation" in told else None,
            hires=hires(named).model_copy(update={"first": picture}),
        )
        owner = str(json.loads(parts or "{}").get("owner", ""))
        job = self.services.submit(self.services.generation.check(request), owner=owner)
        pictures = [f"{job}:0" if key == chosen.key else key for key in json.loads(info)["pictures"]]
        return {self.ticket: f"{job} {','.join(pictures)}"}
