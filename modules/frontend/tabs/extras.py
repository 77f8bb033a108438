"""The Extras tab: what is done with finished pictures. A form of Gradio's; sources and results are parts of our own in the browser."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from modules.contract.declare import Choice, Options, Slider, Text, Toggle, declared
from modules.contract.errors import BadRequest, NotSupported
from modules.contract.extras import LARGEST_RESULT, MOST_PICTURES, ExtrasRequest, extras_from
from modules.contract.file_manager import open_folder
from modules.contract.request import Size, sentence
from modules.frontend.form import Form
from modules.frontend.notices import Notices, Updates
from modules.frontend.services import Finishing, PageServices, Picture
from modules.frontend.toolkit import gr, part

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
HERE = ("127.0.0.1", "::1")
Flip = Literal["Horizontal", "Vertical", "Both"]
Captioner = Literal["Deepbooru", "BLIP"]


def upscaler_field(label: str, key: str) -> Any:
    """One of the upscalers there are while the program runs."""
    return declared("None", label, control="choice", key=key)


class ExtrasFields(Options):
    """The controls, with A1111's labels, ranges and ids. BLIP describes from the start, since there is no reader for DeepDanbooru here."""

    input_folder: str = Text("", "Input directory", key="batch_input_dir")
    output_folder: str = Text("", "Output directory", key="batch_output_dir")
    show: bool = Toggle(True, "Show result images", key="show_extras_results")
    upscale: bool = Toggle(True, "Upscale", key="upscale-checkbox")
    upscaler: str = upscaler_field("Upscaler 1", "upscaler_1")
    second: str = upscaler_field("Upscaler 2", "upscaler_2")
    second_visibility: float = Slider(0.0, 0, 1, "Upscaler 2 visibility", step=0.001, key="upscaler_2_visibility")
    scale: float = Slider(4, 1, 8, "Resize", step=0.05, key="upscaling_resize")
    longest_side: int = declared(0, "Max side length", control="number", key="upscale_max_side_length", ge=0, le=LARGEST_RESULT)
    width: int = Slider(512, 64, 8192, "Width", step=8, key="upscaling_resize_w")
    height: int = Slider(512, 64, 8192, "Height", step=8, key="upscaling_resize_h")
    crop: bool = Toggle(True, "Crop to fit", key="upscaling_crop")
    gfpgan: bool = Toggle(False, "GFPGAN", key="#input-accordion-0-checkbox")
    gfpgan_visibility: float = Slider(1, 0, 1, "Visibility", step=0.001, key="gfpgan_visibility")
    codeformer: bool = Toggle(False, "CodeFormer", key="#input-accordion-1-checkbox")
    codeformer_visibility: float = Slider(1, 0, 1, "Visibility", step=0.001, key="codeformer_visibility")
    codeformer_weight: float = Slider(0, 0, 1, "Weight (0 = maximum effect, 1 = minimum effect)", step=0.001, key="codeformer_weight")
    split: bool = Toggle(False, "Split oversized images", key="#input-accordion-2-checkbox")
    split_threshold: float = Slider(0.5, 0, 1, "Threshold", step=0.05, key="#postprocess_split_threshold")
    split_overlap: float = Slider(0.2, 0, 0.9, "Overlap ratio", step=0.05, key="#postprocess_overlap_ratio")
    focal: bool = Toggle(False, "Auto focal point crop", key="#input-accordion-3-checkbox")
    focal_face: float = Slider(0.9, 0, 1, "Focal point face weight", step=0.05, key="#postprocess_focal_crop_face_weight")
    focal_entropy: float = Slider(0.15, 0, 1, "Focal point entropy weight", step=0.05, key="#postprocess_focal_crop_entropy_weight")
    focal_edges: float = Slider(0.5, 0, 1, "Focal point edges weight", step=0.05, key="#postprocess_focal_crop_edges_weight")
    focal_debug: bool = Toggle(False, "Create debug image", key="#train_process_focal_crop_debug")
    sized: bool = Toggle(False, "Auto-sized crop", key="#input-accordion-4-checkbox")
    sized_shortest: int = Slider(384, 64, 2048, "Dimension lower bound", step=8, key="#postprocess_multicrop_mindim")
    sized_longest: int = Slider(768, 64, 2048, "Dimension upper bound", step=8, key="#postprocess_multicrop_maxdim")
    sized_smallest: int = Slider(64 * 64, 64 * 64, 2048 * 2048, "Area lower bound", key="#postprocess_multicrop_minarea")
    sized_largest: int = Slider(640 * 640, 64 * 64, 2048 * 2048, "Area upper bound", key="#postprocess_multicrop_maxarea")
    sized_aim: Literal["Maximize area", "Minimize error"] = Choice(
        "Maximize area", "Resizing objective", key="#postprocess_multicrop_objective"
    )
    sized_threshold: float = Slider(0.1, 0, 1, "Error threshold", step=0.01, key="#postprocess_multicrop_threshold")
    flip: bool = Toggle(False, "Create flipped copies", key="#input-accordion-5-checkbox")
    flips: tuple[Flip, ...] = declared(("Horizontal",), "Copies", control="choices", key="flips")
    caption: bool = Toggle(False, "Caption", key="#input-accordion-6-checkbox")
    captions: tuple[Captioner, ...] = declared(("BLIP",), "Described by", control="choices", key="captions")


class ExtrasTab:
    """The tab's controls; `connect` gives them their events."""

    def __init__(self, services: PageServices, finishing: Finishing, notices: Notices) -> None:
        self.services = services
        self.finishing = finishing
        self.notices = notices
        self.form = Form("extras", ExtrasFields, {})
        with gr.Tab("Extras", id="extras", elem_id="tab_extras") as self.tab, gr.Row(elem_id="extras_panels"):
            with gr.Column(elem_id="extras_settings", min_width=340):
                self.sources()
                with gr.Column(elem_classes=["extras-operations"]):
                    self.enlarging()
                    self.faces()
                    self.cutting()
                    self.copies()
            with gr.Column(elem_id="extras_results", min_width=340):
                with gr.Row(elem_id="extras_generate_box"):
                    self.generate = gr.Button("Generate", variant="primary", elem_id="extras_generate")
                    self.interrupt = gr.Button("Interrupt", elem_id="extras_interrupt", min_width=80)
                    self.skip = gr.Button("Skip", elem_id="extras_skip", min_width=80)
                part("webui-extras", "extras_results_panel")
                self.folder = gr.Button("Open the output folder", elem_id="extras_folder", visible="hidden")

    def sources(self) -> None:
        with gr.Tabs(elem_id="mode_extras"):
            with gr.Tab("Single Image", id="extras_single", elem_id="extras_single_tab"):
                gr.HTML("<webui-drop name='Source'></webui-drop>", elem_id="extras_image", apply_default_css=False)
            with gr.Tab("Batch Process", id="extras_batch", elem_id="extras_batch_process_tab"):
                gr.HTML("<webui-drop many name='Batch Process'></webui-drop>", elem_id="extras_image_batch", apply_default_css=False)
            with gr.Tab("Batch from Directory", id="extras_directory", elem_id="extras_batch_directory_tab"):
                place = "A directory on the same machine where the server is running."
                self.form.add("input_folder", placeholder=place, max_lines=1)
                self.form.add("output_folder", placeholder="Leave blank to save images to the default path.", max_lines=1)
                self.form.add("show")

    def switch(self, name: str, elem_id: str) -> gr.Column:
        """An operation with its switch; what is put into the column's body shows while it is on."""
        with gr.Column(elem_id=elem_id, elem_classes=["extras-operation"]) as operation:
            self.form.add(name, container=False, elem_classes=["extras-switch"])
        return operation

    def enlarging(self) -> None:
        upscalers = self.finishing.upscalers()
        with self.switch("upscale", "extras_upscale"), gr.Column(elem_classes=["extras-body"]):
            self.form.add("upscaler", choices=upscalers)
            with gr.Row():
                self.form.add("second", choices=upscalers, min_width=140)
                self.form.add("second_visibility", min_width=140)
            with gr.Tabs(elem_id="extras_resize_mode"):
                with gr.Tab("Scale by", id="extras_scale_by", elem_id="extras_scale_by_tab"), gr.Row():
                    self.form.add("scale", min_width=160)
                    number = gr.Number(0, label="Max side length", elem_id="extras_upscale_max_side_length", minimum=0, step=8,
                                       interactive=True, min_width=120)
                    self.form.controls["longest_side"] = number
                with gr.Tab("Scale to", id="extras_scale_to", elem_id="extras_scale_to_tab"), gr.Row(elem_classes=["extras-size"]):
                    with gr.Column(elem_id="upscaling_column_size", scale=4, min_width=180):
                        self.form.add("width")
                        self.form.add("height")
                    with gr.Column(elem_id="upscaling_dimensions_row", scale=1, min_width=110):
                        look = {"elem_id": "upscaling_res_switch_btn", "elem_classes": ["tool", "icon-swap"]}
                        self.swap = gr.Button("Swap width and height", **look)
                        self.form.add("crop", container=False)

    def faces(self) -> None:
        with self.switch("gfpgan", "input-accordion-0"), gr.Column(elem_classes=["extras-body"]):
            self.form.add("gfpgan_visibility")
        with self.switch("codeformer", "input-accordion-1"), gr.Row(elem_classes=["extras-body"]):
            self.form.add("codeformer_visibility", min_width=140)
            self.form.add("codeformer_weight", min_width=140)

    def cutting(self) -> None:
        with self.switch("split", "input-accordion-2"), gr.Row(elem_classes=["extras-body"]):
            self.form.add("split_threshold", min_width=140)
            self.form.add("split_overlap", min_width=140)
        with self.switch("focal", "input-accordion-3"), gr.Column(elem_classes=["extras-body"]):
            for name in ("focal_face", "focal_entropy", "focal_edges", "focal_debug"):
                self.form.add(name)
        with self.switch("sized", "input-accordion-4"), gr.Column(elem_classes=["extras-body"]):
            gr.HTML("<p class='extras-help'>Each image is cut around its middle to a width and height that are chosen for it.</p>")
            with gr.Row():
                self.form.add("sized_shortest", min_width=140)
                self.form.add("sized_longest", min_width=140)
            with gr.Row():
                self.form.add("sized_smallest", min_width=140)
                self.form.add("sized_largest", min_width=140)
            with gr.Row():
                self.form.add("sized_aim", radio=True, min_width=140)
                self.form.add("sized_threshold", min_width=140)

    def copies(self) -> None:
        with self.switch("flip", "input-accordion-5"), gr.Column(elem_classes=["extras-body"]):
            self.form.add("flips", show_label=False, container=False)
        with self.switch("caption", "input-accordion-6"), gr.Column(elem_classes=["extras-body"]):
            self.form.add("captions", show_label=False, container=False)

    def connect(self, page: gr.Blocks) -> None:
        """The tab's events. What happens to the job comes over the server's event stream."""
        form, spoken, notice = self.form, self.notices.spoken, self.notices.box
        hidden: dict[str, Any] = {"visible": "hidden", "show_label": False}
        self.parts = gr.Textbox("", elem_id="extras_parts", **hidden)
        self.ticket = gr.Textbox("", elem_id="extras_ticket", **hidden)
        self.generate.click(spoken(self.submit), [*form.components(), self.parts], [self.ticket, notice], preprocess=False,
                            js="(...values) => webui.extras.collect(values)", trigger_mode="multiple", **QUIET)  # fmt: skip
        self.ticket.change(None, self.ticket, None, js="(job) => { webui.jobs.adopt(job); webui.extras.follow(job); return []; }", **QUIET)
        self.interrupt.click(None, js="() => webui.extras.stop('interrupt')", **QUIET)
        self.skip.click(None, js="() => webui.extras.stop('skip')", **QUIET)
        self.folder.click(spoken(self.opened), self.parts, [notice], js="() => [webui.extras.job()]", **QUIET)
        size = [form["width"], form["height"]]
        self.swap.click(None, size, size, js="(width, height) => [height, width]", **QUIET)
        self.tab.select(spoken(self.refreshed), None, [form["upscaler"], form["second"], notice], **QUIET)
        memory, fields = json.dumps(form.memory()), form.components()
        page.load(None, fields, fields, js=f"(...values) => webui.fields.restore('extras', {memory}, values)", **QUIET)
        everything: list[Any] = list(fields)
        gr.on([field.change for field in everything], None, fields, None,
              js="(...values) => webui.fields.keep('extras', values)", **QUIET)  # fmt: skip

    def submit(self, request: gr.Request, *values: Any) -> Updates:
        """Puts what the form says into the queue."""
        *fields, parts = values
        more = json.loads(parts or "{}")
        if more.get("refused"):  # a picture was, and the page has said so
            return {}
        local = request.client is not None and request.client.host in HERE
        made = request_of(checked(self.form.named(fields)), mode=str(more.get("mode")), to_size=bool(more.get("to_size")), local=local)
        pictures = pictures_of(more.get("pictures"))
        return {self.ticket: self.finishing.submit(made, pictures, str(more.get("owner", "")))}

    def opened(self, job: str, request: gr.Request) -> Updates:
        """Opens the folder of a job's pictures where page and program share a screen; says where it is anyway."""
        summary = (self.services.queue.get(job).summary or {}) if job else {}
        folder = self.finishing.folder(next((path for path in summary.get("paths", []) if path), None))
        local = request.client is not None and request.client.host in HERE
        return {} if local and open_folder(folder) else self.notices.notice("The pictures are in this folder:", str(folder))

    def refreshed(self) -> Updates:
        """The upscalers as they are now."""
        choices = [(name, name) for name in self.finishing.upscalers()]
        return {self.form[name]: gr.update(choices=choices) for name in ("upscaler", "second")}


def checked(values: Mapping[str, Any]) -> ExtrasFields:
    """The form's values, each within its bounds. Raises BadRequest with a sentence for each that is not."""
    try:
        return ExtrasFields.model_validate(values)
    except ValidationError as error:
        titled = [{**problem, "loc": (ExtrasFields.model_fields[str(problem["loc"][0])].title,)} for problem in error.errors()]
        raise BadRequest(" ".join(map(sentence, titled))) from None


def pictures_of(given: Any) -> list[Picture]:
    """The uploads that the browser names. Raises BadRequest for too many, and for what is none."""
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise BadRequest("The pictures' names did not arrive.", "Reload the page.")
    if len(given) > MOST_PICTURES:
        raise BadRequest(f"{len(given)} pictures are too many; at most {MOST_PICTURES} fit into one batch.", "Use Batch from Directory.")
    return [Picture(str(one.get("id")), str(one.get("name", ""))[:500]) for one in given]


def request_of(fields: ExtrasFields, *, mode: str, to_size: bool, local: bool) -> ExtrasRequest:
    """What the form asks for, its pictures left out. `mode`: single, batch or directory; `to_size`: enlarge to a size, not by a factor.

    Raises BadRequest for what cannot be, NotSupported for a directory from another machine.
    """
    directory = mode == "directory"
    if directory and not local:
        raise NotSupported("Directories can be named only on the machine that the program runs on.", "Use Batch Process from here.")
    if directory and not fields.input_folder.strip():
        raise BadRequest("There is no input directory.", "Name one.")
    by_size = {"size": Size(fields.width, fields.height), "crop": fields.crop}
    by_scale = {"scale": fields.scale, "longest_side": fields.longest_side}
    enlarging = {"upscaler": fields.upscaler, "second": fields.second, "second_visibility": fields.second_visibility}
    weights = {"face_weight": fields.focal_face, "entropy_weight": fields.focal_entropy, "edges_weight": fields.focal_edges}
    sized = {
        "shortest": fields.sized_shortest,
        "longest": fields.sized_longest,
        "smallest_area": fields.sized_smallest,
        "largest_area": fields.sized_largest,
        "aim": fields.sized_aim,
        "threshold": fields.sized_threshold,
    }
    faces = {"visibility": fields.codeformer_visibility, "weight": fields.codeformer_weight}
    return extras_from(
        {
            "folder": fields.input_folder.strip() if directory else "",
            "output_folder": fields.output_folder.strip() if directory else "",
            "show": fields.show or not directory,
            "keep_names": mode != "single",
            "enlarging": {**enlarging, **(by_size if to_size else by_scale)} if fields.upscale else None,
            "gfpgan": {"visibility": fields.gfpgan_visibility} if fields.gfpgan else None,
            "codeformer": faces if fields.codeformer else None,
            "splitting": {"threshold": fields.split_threshold, "overlap": fields.split_overlap} if fields.split else None,
            "focal_crop": {**weights, "show": fields.focal_debug} if fields.focal else None,
            "sized_crop": sized if fields.sized else None,
            "flips": fields.flips if fields.flip else (),
            "captions": fields.captions if fields.caption else (),
        }
    )
