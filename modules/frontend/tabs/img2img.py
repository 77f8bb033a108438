"""The img2img tab, which inpaints too: one form and one canvas for all that starts from a picture."""

from collections.abc import Mapping
from typing import Any

from modules.contract.errors import BadRequest
from modules.contract.extras import NamedPicture
from modules.frontend.asking import batch_request, picture_request
from modules.frontend.canvas import canvas_value, source_of
from modules.frontend.fields import ImageToImage
from modules.frontend.lists import Lists
from modules.frontend.notices import Notices
from modules.frontend.services import PageServices
from modules.frontend.tabs.generation import QUIET, GenerationTab
from modules.frontend.toolkit import gr, part, tool
from modules.infotext.overrides import from_texts

TAB = "img2img"


class ImageToImageTab(GenerationTab):
    """The tab's controls; `connect` gives them their events. The mode in front decides, in the browser, which of them are shown."""

    def __init__(self, services: PageServices, notices: Notices, lists: Lists) -> None:
        super().__init__(TAB, ImageToImage, services, notices, lists)

    def more_tools(self) -> None:
        self.interrogate = tool("Describe the picture (BLIP)", "interrogate", "describe")
        self.deepbooru = tool("Describe the picture in tags (DeepBooru)", "deepbooru", "tags")

    def fields(self) -> None:
        add = self.form.add
        add("mode", radio=True, show_label=False, container=False, elem_classes=["segments"])
        part("webui-canvas", f"{TAB}_canvas", ["not-batch"], name=TAB)
        self.batch()
        add("resize", radio=True)
        self.inpainting()
        self.sampler()
        with gr.Row(elem_id=f"{TAB}_accordions", elem_classes=["accordions"]):
            self.refiner()
        with gr.Row(elem_id=f"{TAB}_dimensions", elem_classes=["dimensions"]):
            self.sizes()
            self.batches()
        with gr.Row():
            add("guidance", min_width=160)
            add("image_guidance", min_width=160)
        add("strength")
        self.seeds()
        self.scripts()

    def sizes(self) -> None:
        """The new size: in pixels, or as a factor."""
        with gr.Column(elem_id=f"{TAB}_tabs_resize", elem_classes=["sizes"], scale=5, min_width=240):
            self.form.add("resize_by", radio=True, show_label=False, container=False, elem_classes=["segments"])
            with gr.Row(elem_classes=["resize-to"]):
                self.size()
            with gr.Column(elem_classes=["resize-by"]):
                self.form.add("scale")
                part("webui-scaled-size", f"{TAB}_scale_resolution_preview")

    def more_dimensions(self) -> None:
        self.detect = tool("The size of the picture", f"{TAB}_detect_image_size_btn", "measure")

    def inpainting(self) -> None:
        add = self.form.add
        with gr.Column(elem_id="inpaint_controls", elem_classes=["for-inpaint"]):
            with gr.Row():
                add("mask_blur", min_width=160)
                add("mask_transparency", min_width=160, elem_classes=["for-inpaint-sketch"])
            add("mask_mode", radio=True)
            add("content", radio=True)
            with gr.Row():
                add("area", radio=True, min_width=160)
                add("padding", min_width=160)

    def batch(self) -> None:
        add = self.form.add
        with gr.Column(elem_id=f"{TAB}_batch", elem_classes=["for-batch"]):
            part("webui-batch", f"{TAB}_batch_upload", tab=TAB)
            with gr.Row():
                add("batch_input", min_width=200)
                add("batch_output", min_width=200)
            add("batch_masks")
            with gr.Column(elem_classes=["switched"]):
                add("batch_infotext", container=False, elem_classes=["switch"])
                with gr.Column(elem_classes=["switched-body"]):
                    add("batch_infotext_folder")
                    add("batch_infotext_fields")

    def connect(self, page: gr.Blocks) -> None:
        """As both tabs, and what concerns the canvas."""
        super().connect(page)
        mode: Any = self.form["mode"]
        size = [self.form["width"], self.form["height"]]
        mode.change(None, mode, None, js="(mode) => webui.forms.mode(mode)", **QUIET)
        self.detect.click(None, size, size, js=f"(width, height) => webui.forms.pictureSize('{TAB}') ?? [width, height]", **QUIET)
        self.interrogate.click(None, js="() => webui.forms.describe('clip')", **QUIET)
        self.deepbooru.click(None, js="() => webui.forms.describe('deepdanbooru')", **QUIET)

    def submitted(self, values: Mapping[str, Any], more: Mapping[str, Any], *, owner: str, local: bool) -> str:
        if values["mode"] == "batch":
            folders = [values[name] for name in ("batch_input", "batch_output", "batch_masks", "batch_infotext_folder")]
            if any(folders) and not local:
                raise BadRequest("Folders can be named only in a browser on the machine that the program runs on.", "Choose files instead.")
            files = [NamedPicture(data=self.services.uploads(one["id"]), name=str(one["name"])) for one in more.get("files", ())]
            return self.services.submit_batch(batch_request(values, more.get("extensions", {}), from_texts, files), owner=owner)
        drawn = source_of(
            canvas_value(more.get("canvas")),
            values["mode"],
            self.services.uploads,
            mask_transparency=values["mask_transparency"] or 0,
            mask_blur=values["mask_blur"] or 0,
        )
        request = picture_request(values, more.get("extensions", {}), from_texts, drawn)
        return self.services.submit(self.services.generation.check(request), owner=owner)
