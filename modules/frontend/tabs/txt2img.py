"""The txt2img tab: prompts, the sampler's block, and the gallery."""

import json
from collections.abc import Mapping
from typing import Any

from modules.contract.errors import BadRequest
from modules.frontend.controls import control
from modules.frontend.form import Component, Form, TextToImage, request, values_from_infotext, values_of
from modules.frontend.gallery import Gallery
from modules.frontend.notices import Notices, Updates
from modules.frontend.services import PageServices
from modules.frontend.toolkit import gr
from modules.infotext.read import read

TAB = "txt2img"
KEYS = "Ctrl+Enter to generate, Alt+Enter to skip, Esc to interrupt"


class TextToImageTab:
    """The tab's controls; `connect` gives them their events."""

    def __init__(self, services: PageServices, notices: Notices) -> None:
        self.services = services
        self.notices = notices
        self.form = Form()
        self.start = values_of(services.defaults(), TextToImage.model_fields)
        self.samplers = [entry.name for entry in services.generation.samplers()]
        self.schedules = [entry.label for entry in services.generation.schedules()]
        with gr.Tab(TAB, id=TAB, elem_id=f"tab_{TAB}"):
            with gr.Row(elem_id=f"{TAB}_toprow"):
                self.prompts()
                self.actions()
            with gr.Row(elem_id=f"{TAB}_panels"):
                with gr.Column(elem_id=f"{TAB}_settings", min_width=340):
                    self.fields()
                with gr.Column(elem_id=f"{TAB}_results", min_width=340), gr.Column(elem_id=f"{TAB}_results_panel"):
                    gr.HTML("<webui-progress></webui-progress>", elem_id=f"{TAB}_progress")
                    self.gallery = Gallery(TAB, services, notices)

    def field(self, name: str, **look: Any) -> Component:
        """The control of a field of TextToImage, known to the form."""
        info = TextToImage.model_fields[name]
        declared = info.json_schema_extra
        assert isinstance(declared, dict)
        return self.form.add(name, control(info, f"{TAB}_{declared['key']}", value=self.start[name], **look))

    def prompts(self) -> None:
        look: dict[str, Any] = {"lines": 3, "max_lines": 12, "show_label": False, "container": False, "elem_classes": ["prompt"],
                                "html_attributes": gr.InputHTMLAttributes(spellcheck=False, autocapitalize="off")}
        with gr.Column(elem_id=f"{TAB}_prompt_container", scale=6, min_width=320):
            with gr.Row(elem_id=f"{TAB}_prompt_row", elem_classes=["prompt-row"]):
                self.field("prompt", placeholder=f"Prompt\n({KEYS})", **look)
                token_counter(f"{TAB}_token_counter")
            with gr.Row(elem_id=f"{TAB}_neg_prompt_row", elem_classes=["prompt-row"]):
                self.field("negative_prompt", placeholder="Negative prompt\n(what the picture should not show)", **look)
                token_counter(f"{TAB}_negative_token_counter")

    def actions(self) -> None:
        with gr.Column(elem_id=f"{TAB}_actions_column", scale=1, min_width=240):
            self.generate = gr.Button("Generate", variant="primary", elem_id=f"{TAB}_generate")
            with gr.Row(elem_id=f"{TAB}_generate_box", elem_classes=["generate-box"]):
                self.interrupt = gr.Button("Interrupt", elem_id=f"{TAB}_interrupt", min_width=80)
                self.skip = gr.Button("Skip", elem_id=f"{TAB}_skip", min_width=80)
            with gr.Row(elem_id=f"{TAB}_tools"):
                self.paste = gr.Button("Read the fields from the infotext in the prompt, or from the last picture", elem_id="paste",
                                       elem_classes=["tool", "icon-paste"])
                self.clear = gr.Button("Clear the prompts", elem_id=f"{TAB}_clear_prompt", elem_classes=["tool", "icon-clear"])

    def fields(self) -> None:
        with gr.Row(elem_id=f"sampler_selection_{TAB}"):
            self.field("sampler", choices=self.samplers, min_width=140)
            self.field("schedule", choices=self.schedules, min_width=110)
            self.field("steps", min_width=160)
        with gr.Row(elem_id=f"{TAB}_dimensions"):
            with gr.Column(elem_id=f"{TAB}_column_size", scale=4, min_width=200):
                self.field("width")
                self.field("height")
            with gr.Column(elem_id=f"{TAB}_dimensions_row", elem_classes=["dimensions-tools"], scale=0, min_width=36):
                self.swap = gr.Button("Swap width and height", elem_id=f"{TAB}_res_switch_btn", elem_classes=["tool", "icon-swap"])
            with gr.Column(elem_id=f"{TAB}_column_batch", scale=2, min_width=140):
                self.field("batch_count")
                self.field("batch_size")
        self.field("guidance")
        with gr.Row(elem_id=f"{TAB}_seed_row"):
            self.field("seed", max_lines=1, html_attributes=gr.InputHTMLAttributes(autocomplete="off"), min_width=120)
            self.dice = gr.Button("A new seed for each picture", elem_id=f"{TAB}_random_seed", elem_classes=["tool", "icon-dice"])
            self.reuse = gr.Button("The seed of the selected picture", elem_id=f"{TAB}_reuse_seed", elem_classes=["tool", "icon-reuse"])

    def connect(self, page: gr.Blocks) -> None:
        """The tab's events: two reach the program (Generate and paste), the rest happens in the browser."""
        form = self.form
        quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        spoken, notice = self.notices.spoken, self.notices.box
        self.owner = gr.Textbox("", elem_id="webui_owner", visible="hidden", show_label=False)
        self.ticket = gr.Textbox("", elem_id=f"{TAB}_ticket", visible="hidden", show_label=False)
        self.generate.click(spoken(self.submit), form.inputs(self.owner), [self.ticket, notice], trigger_mode="multiple",
                            preprocess=False, **quiet)  # Gradio refuses a number out of bounds without a word; `request` says why
        self.ticket.change(None, self.ticket, None, js="(job) => webui.jobs.adopt(job)", **quiet)
        self.interrupt.click(None, js="() => webui.jobs.interrupt()", **quiet)
        self.skip.click(None, js="() => webui.jobs.skip()", **quiet)

        self.paste.click(spoken(self.pasted), [form["prompt"], self.gallery.info], [*form.outputs(), notice],
                         js="(prompt, info) => [webui.prompt.takeDropped() ?? prompt, info]", trigger_mode="multiple", **quiet)
        self.clear.click(None, js=f"() => webui.prompt.clear('{TAB}')", **quiet)
        size = [form["width"], form["height"]]
        self.swap.click(None, size, size, js="(width, height) => [height, width]", **quiet)
        self.dice.click(None, None, form["seed"], js="() => '-1'", **quiet)
        self.reuse.click(None, [form["seed"], self.gallery.info], form["seed"],
                         js="(seed, info) => webui.results.seed(info) ?? seed", **quiet)

        memory = json.dumps(form.memory())
        page.load(None, form.outputs(), form.outputs(), js=f"(...values) => webui.fields.restore('{TAB}', {memory}, values)", **quiet)
        page.load(None, None, self.owner, js="() => webui.owner()", **quiet)
        fields: list[Any] = form.outputs()
        gr.on([field.change for field in fields], None, fields, None,
              js=f"(...values) => webui.fields.keep('{TAB}', {memory}, values)", **quiet)

    def submit(self, data: Mapping[Component, Any]) -> Updates:
        """Puts what the form says into the queue. What happens to the job then comes over the server's event stream."""
        checked = self.services.generation.check(request(self.form.values(data)))
        return {self.ticket: self.services.submit(checked, owner=data[self.owner] or "")}

    def pasted(self, text: str, info: str) -> Updates:
        """The fields as an infotext has them: the given one, else that of the picture shown, else that of the newest job."""
        infotexts = [text, *json.loads(info)["infotexts"][:1], *self.latest()]
        source = next((each for each in infotexts if each.strip()), "")
        labels = read(source)
        values = values_from_infotext(labels)
        if values.keys() <= {"prompt", "negative_prompt"}:
            raise BadRequest("There is no infotext in the prompt and no picture to read one from." if not source else
                             "The text in the prompt is no infotext.", "An infotext ends in a line such as 'Steps: 20, Sampler: Euler a'.")
        for name, choices in (("sampler", self.samplers), ("schedule", self.schedules)):
            if name in values:
                values[name] = next((each for each in choices if each.lower() == values[name].lower()), self.start[name])
        return self.form.updates(values)

    def latest(self) -> list[str]:
        """The infotext of the newest job that has one."""
        summaries = (job.summary or {} for job in reversed(self.services.queue.jobs()))
        return [text for summary in summaries for text in summary.get("infotexts", [])[:1]][:1]


def token_counter(elem_id: str) -> None:
    """The count of the tokens of the prompt beside it, which the browser fetches while one types."""
    gr.HTML("<webui-tokens>0/75</webui-tokens>", elem_id=elem_id, elem_classes=["token-counter"])
