"""The Checkpoint Merger tab: a form of Gradio's; what will come of it, and the job, are a part of our own in the browser."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from modules.contract.declare import Choice, Options, Slider, Text, Toggle, declared
from modules.contract.errors import BadRequest, WebuiError
from modules.contract.merge import DIFFERENCE, SINGLE, WEIGHTED, MergeRequest, merge_request_from
from modules.contract.request import sentence
from modules.frontend.form import Form
from modules.frontend.notices import Notices, Updates
from modules.frontend.services import Merging, PageServices
from modules.frontend.toolkit import gr, part

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
LETTERS = {"primary": "A", "secondary": "B", "tertiary": "C"}
FORMULAS = {WEIGHTED: "A · (1 - M) + B · M", DIFFERENCE: "A + (B - C) · M", SINGLE: "A"}


def model(label: str, key: str, default: str = "") -> Any:
    """One of the models there are while the program runs."""
    return declared(default, label, control="choice", key=key)


class MergeFields(Options):
    """The controls, with A1111's labels, ranges and ids."""

    primary: str = model("Primary model (A)", "primary_model_name")
    secondary: str = model("Secondary model (B)", "secondary_model_name")
    tertiary: str = model("Tertiary model (C)", "tertiary_model_name")
    custom_name: str = Text("", "Custom Name (Optional)", key="custom_name")
    multiplier: float = Slider(0.3, 0, 1, "Multiplier (M) - set to 0 to get model A", step=0.05, key="interp_amount")
    method: Literal["No interpolation", "Weighted sum", "Add difference"] = Choice(WEIGHTED, "Interpolation Method", key="interp_method")
    format: Literal["ckpt", "safetensors"] = Choice("safetensors", "Checkpoint format", key="checkpoint_format")
    half: bool = Toggle(False, "Save as float16", key="save_as_half")
    config_from: Literal["A, B or C", "B", "C", "Don't"] = Choice("A, B or C", "Copy config from", key="config_method")
    vae: str = model("Bake in VAE", "bake_in_vae", "None")
    discard: str = Text("", "Discard weights with matching name", key="discard_weights")
    save_metadata: bool = Toggle(True, "Save metadata", key="save_metadata")
    recipe: bool = Toggle(True, "Add merge recipe metadata", key="add_recipe")
    copy_metadata: bool = Toggle(True, "Copy metadata from merged models", key="copy_metadata")
    metadata: str = Text("{}", "Metadata in JSON format", key="metadata_json")


class MergerTab:
    """The tab's controls; `connect` gives them their events."""

    def __init__(self, services: PageServices, merging: Merging, notices: Notices) -> None:
        self.services = services
        self.merging = merging
        self.notices = notices
        self.form = Form("modelmerger", MergeFields, {})
        self.refreshes: list[gr.Button] = []
        with gr.Tab("Checkpoint Merger", id="modelmerger", elem_id="tab_modelmerger") as self.tab, gr.Row(elem_id="modelmerger_panels"):
            with gr.Column(elem_id="modelmerger_settings", min_width=340):
                self.models()
                self.form.add("method", radio=True)
                self.form.add("multiplier")
                self.form.add("custom_name", max_lines=1, placeholder="Empty: made from the formula")
                self.saving()
                self.notes()
            with gr.Column(elem_id="modelmerger_results_container", min_width=340):
                self.merge = gr.Button("Merge", variant="primary", elem_id="modelmerger_merge")
                part("webui-merger", "modelmerger_results_panel")
                self.use = gr.Button("Use the new checkpoint", elem_id="modelmerger_use", visible="hidden")

    def refresh(self, words: str, elem_id: str) -> None:
        self.refreshes.append(gr.Button(words, elem_id=elem_id, elem_classes=["tool", "icon-refresh"]))

    def models(self) -> None:
        with gr.Column(elem_id="modelmerger_models"):
            for name, letter in LETTERS.items():
                with gr.Row(elem_classes=["modelmerger-model"]):
                    self.form.add(name, choices=["", *self.titles()], filterable=True, min_width=200)
                    self.refresh("Look for checkpoints again", f"refresh_checkpoint_{letter}")

    def saving(self) -> None:
        with gr.Row():
            self.form.add("format", radio=True, min_width=160)
            self.form.add("half", min_width=140)
        self.form.add("config_from", radio=True)
        with gr.Row(elem_classes=["modelmerger-model"]):
            self.form.add("vae", choices=["None", *self.merging.vaes()], min_width=200)
            self.refresh("Look for VAEs again", "modelmerger_refresh_bake_in_vae")
        self.form.add("discard", max_lines=1, placeholder="A pattern (regular expression)")

    def notes(self) -> None:
        with gr.Accordion("Metadata", open=False, elem_id="modelmerger_metadata"):
            with gr.Row():
                for name in ("save_metadata", "recipe", "copy_metadata"):
                    self.form.add(name, min_width=140)
            self.form.add("metadata", lines=4, max_lines=20)
            self.read = gr.Button("Read metadata from selected checkpoints", elem_id="modelmerger_read_metadata")

    def titles(self) -> list[str]:
        """The checkpoints that can be merged: those that are one file. What is wrong with one is said by the outlook."""
        return [entry.title for entry in self.services.models.checkpoints() if not entry.path.is_dir()]

    def connect(self, page: gr.Blocks) -> None:
        """The tab's events. What happens to the job comes over the server's event stream."""
        form, spoken, notice = self.form, self.notices.spoken, self.notices.box
        hidden: dict[str, Any] = {"visible": "hidden", "show_label": False}
        fields: list[Any] = list(form.components())
        self.owner = gr.Textbox("", elem_id="modelmerger_owner", **hidden)
        self.ticket = gr.Textbox("", elem_id="modelmerger_ticket", **hidden)
        self.outlook = gr.Textbox("", elem_id="modelmerger_outlook", **hidden)
        self.loaded = gr.Textbox("", elem_id="modelmerger_loaded", **hidden)
        self.merge.click(spoken(self.submit), [*fields, self.owner], [self.ticket, notice], preprocess=False, trigger_mode="once",
                         js="async (...values) => [...values.slice(0, -1), await webui.owner()]", **QUIET)  # fmt: skip
        self.ticket.change(None, self.ticket, None, js="(job) => { webui.jobs.adopt(job); webui.merger.follow(job); return []; }", **QUIET)
        refreshes = [self.tab.select, *(button.click for button in self.refreshes)]
        looks = [*(field.change for field in fields), *refreshes]
        gr.on(looks, spoken(self.looked), fields, [self.outlook, notice], preprocess=False, trigger_mode="always_last", **QUIET)
        self.outlook.change(None, self.outlook, None, js="(text) => webui.merger.foresee(text)", **QUIET)
        self.read.click(spoken(self.told), fields, [form["metadata"], notice], preprocess=False, **QUIET)
        lists = [form[name] for name in (*LETTERS, "vae")]
        gr.on(refreshes, spoken(self.refreshed), [form[name] for name in LETTERS], [*lists, notice], preprocess=False, **QUIET)
        self.use.click(spoken(self.used), self.loaded, [self.loaded, notice], js="() => [webui.merger.made()]", **QUIET)
        self.loaded.change(None, self.loaded, None, js="(name) => webui.merger.used(name)", **QUIET)

    def submit(self, *values: Any) -> Updates:
        """Puts the merge into the queue."""
        *fields, owner = values
        return {self.ticket: self.merging.submit(request_of(self.form.named(fields)), str(owner or ""))}

    def looked(self, *values: Any) -> Updates:
        """What would come of it, for the browser to show: the formula, the file, its size, and what stands in the way."""
        fields = self.form.named(values)
        formula = FORMULAS.get(fields["method"], "")
        if not fields["primary"]:
            return {self.outlook: json.dumps({"formula": formula, "waiting": True})}
        try:
            found = self.merging.outlook(request_of(fields))
        except WebuiError as error:
            found = {"problem": error.message, "hint": error.hint}
        return {self.outlook: json.dumps({"formula": formula, "multiplier": fields["multiplier"], **found})}

    def told(self, *values: Any) -> Updates:
        """The metadata of the chosen checkpoints, into the field. It needs no merge that could be done: only a primary model."""
        fields = self.form.named(values)
        request = request_of({**fields, "method": SINGLE, "metadata": "{}"})
        return {self.form["metadata"]: json.dumps(self.merging.metadata(request), indent=4, ensure_ascii=False)}

    def refreshed(self, *chosen: str | None) -> Updates:
        """The lists as they are now, and in them what is chosen: a checkpoint's title changes once its hash is known."""
        self.services.models.refresh()
        titles, vaes = ["", *self.titles()], ["None", *self.merging.vaes()]
        shown: Updates = {self.form["vae"]: gr.update(choices=[(title, title) for title in vaes])}
        for name, title in zip(LETTERS, chosen, strict=True):
            shown[self.form[name]] = gr.update(choices=[(each, each) for each in titles], value=self.title_now(title))
        return shown

    def title_now(self, title: str | None) -> str:
        """The title that a chosen checkpoint has now; empty if it is gone."""
        try:
            return self.services.models.find(title).title if title else ""
        except WebuiError:
            return ""

    def used(self, name: str) -> Updates:
        """Loads the new checkpoint and makes it the chosen one."""
        return {self.loaded: self.services.models.choose(name).title} if name else {}


def request_of(values: Mapping[str, Any]) -> MergeRequest:
    """What the form asks for. Raises BadRequest with a sentence for each wrong value."""
    try:
        fields = MergeFields.model_validate({name: "" if value is None else value for name, value in values.items()})
    except ValidationError as error:
        titled = [{**problem, "loc": (MergeFields.model_fields[str(problem["loc"][0])].title,)} for problem in error.errors()]
        raise BadRequest(" ".join(map(sentence, titled))) from None
    if not fields.primary:
        raise BadRequest("There is no primary model (A).", "Choose one.")
    values = fields.model_dump(exclude={"half", "metadata"})
    return merge_request_from(
        {
            **values,
            "secondary": fields.secondary or None,
            "tertiary": fields.tertiary or None,
            "numbers": "fp16" if fields.half else "as they are",
            "custom_name": fields.custom_name.strip(),
            "vae": fields.vae or "None",
            "metadata": metadata_in(fields.metadata),
        }
    )


def metadata_in(text: str) -> dict[str, str]:
    """The table that a person typed; what is no text in it is written as JSON, as A1111 does. Raises BadRequest for what is no table."""
    try:
        table = json.loads(text.strip() or "{}")
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The metadata is not valid JSON ({error}).", 'It looks like {"title": "My model"}.') from None
    if not isinstance(table, dict):
        raise BadRequest("The metadata is no JSON table.", 'It looks like {"title": "My model"}.')
    return {str(key): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for key, value in table.items()}
