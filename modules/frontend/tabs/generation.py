"""What the txt2img and the img2img tab have in common: prompts, the sampler's block, seeds, refiner, scripts, results, model cards."""

import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from modules.contract.declare import Options
from modules.contract.errors import BadRequest
from modules.frontend.asking import values_of, with_pictures
from modules.frontend.form import Form
from modules.frontend.gallery import Gallery
from modules.frontend.lists import Lists
from modules.frontend.notices import Notices, Updates
from modules.frontend.pasting import values_from
from modules.frontend.services import PageServices
from modules.frontend.toolkit import Component, gr, part, tool

KEYS = "Ctrl+Enter to generate, Alt+Enter to skip, Esc to interrupt"
CARDS = (  # title, the middle of the ids, kind
    ("Textual Inversion", "textual_inversion", "embedding"),
    ("Hypernetworks", "hypernetworks", "hypernetwork"),
    ("Checkpoints", "checkpoints", "checkpoint"),
    ("Lora", "lora", "lora"),
)
LOOPBACK = ("127.0.0.1", "::1")
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


class GenerationTab(ABC):
    """A form, its results and its model cards. A tab says what its left column holds (`fields`), and what a request is (`submitted`)."""

    def __init__(self, tab: str, kind: type[Options], services: PageServices, notices: Notices, lists: Lists) -> None:
        self.tab = tab
        self.services = services
        self.notices = notices
        self.lists = lists
        self.samplers = [entry.name for entry in services.generation.samplers()]
        self.schedules = [entry.label for entry in services.generation.schedules()]
        self.form = Form(tab, kind, {name: value for name, value in values_of(services.defaults()).items() if name in kind.model_fields})
        with gr.Tab(tab, id=tab, elem_id=f"tab_{tab}"):
            with gr.Row(elem_id=f"{tab}_toprow", elem_classes=["toprow"]):
                self.prompts()
                self.actions()
            part("webui-presets", f"{tab}_presets", ["presets"], tab=tab)
            with gr.Tabs(overflow_behavior="wrap", elem_id=f"{tab}_extra_tabs", elem_classes=["extra-tabs"]):
                with gr.Tab("Generation", id=f"{tab}_generation", elem_id=f"{tab}_generation"), gr.Row(
                    elem_id=f"{tab}_panels", elem_classes=["panels"]
                ):
                    with gr.Column(elem_id=f"{tab}_settings", elem_classes=["form-column"], min_width=340):
                        self.fields()
                    with gr.Column(elem_id=f"{tab}_results", elem_classes=["results-column"], min_width=340):
                        self.results()
                for title, name, kind_of_model in CARDS:
                    with gr.Tab(title, id=f"{tab}_{name}", elem_id=f"{tab}_{name}"):
                        part("webui-cards", f"{tab}_{name}_cards_html", kind=kind_of_model, tab=tab)

    @abstractmethod
    def fields(self) -> None:
        """The left column."""

    @abstractmethod
    def submitted(self, values: Mapping[str, Any], more: Mapping[str, Any], *, owner: str, local: bool) -> str:
        """Puts what the form says into the queue; the job's id. `more` is what the parts of our own in it hold, by name; `local`:
        the browser runs on the same machine as the program.
        """

    def prompts(self) -> None:
        look: dict[str, Any] = {
            "lines": 3, "max_lines": 12, "show_label": False, "container": False, "elem_classes": ["prompt"],
            "html_attributes": gr.InputHTMLAttributes(spellcheck=False, autocapitalize="off"),
        }  # fmt: skip
        with gr.Column(elem_id=f"{self.tab}_prompt_container", scale=6, min_width=320):
            with gr.Row(elem_id=f"{self.tab}_prompt_row", elem_classes=["prompt-row"]):
                self.form.add("prompt", placeholder=f"Prompt\n({KEYS})", **look)
                token_counter(f"{self.tab}_token_counter")
            with gr.Row(elem_id=f"{self.tab}_neg_prompt_row", elem_classes=["prompt-row"]):
                self.form.add("negative_prompt", placeholder="Negative prompt\n(what the picture should not show)", **look)
                token_counter(f"{self.tab}_negative_token_counter")

    def actions(self) -> None:
        tab = self.tab
        with gr.Column(elem_id=f"{tab}_actions_column", elem_classes=["actions-column"], scale=1, min_width=240):
            self.generate = gr.Button("Generate", variant="primary", elem_id=f"{tab}_generate", elem_classes=["generate"])
            with gr.Row(elem_id=f"{tab}_generate_box", elem_classes=["generate-box"]):
                self.interrupt = gr.Button("Interrupt", elem_id=f"{tab}_interrupt", min_width=80)
                self.skip = gr.Button("Skip", elem_id=f"{tab}_skip", min_width=80)
            with gr.Row(elem_id=f"{tab}_tools", elem_classes=["tools"]):
                self.paste = tool(
                    "Read the fields from the infotext in the prompt, or from the last picture", f"{tab}_paste", "paste", "paste-button"
                )
                self.clear = tool("Clear the prompts", f"{tab}_clear_prompt", "clear")
                self.tidy = tool("Tidy up the prompts: blanks, commas, brackets", f"{tab}_tidy_prompt", "tidy")
                self.apply_styles = tool("Put the chosen styles into the prompts", f"{tab}_style_apply", "apply")
                self.more_tools()
            with gr.Row(elem_id=f"{tab}_styles_row", elem_classes=["styles-row"]):
                styles = self.form.add("styles", show_label=False, container=False, choices=self.services.styles(), scale=1, min_width=120)
                self.lists.add(styles, self.services.styles)
                tool("Edit the styles", f"{tab}_styles_edit_button", "brush")

    def more_tools(self) -> None:  # noqa: B027 - a tab need not have any
        """Tool buttons of this tab alone."""

    def sampler(self) -> None:
        with gr.Row(elem_id=f"sampler_selection_{self.tab}", elem_classes=["sampler-row"]):
            self.form.add("sampler", choices=self.samplers, min_width=140)
            self.form.add("schedule", choices=self.schedules, min_width=110)
            self.form.add("steps", min_width=190)

    def refiner(self) -> None:
        with gr.Column(elem_id=f"{self.tab}_enable", elem_classes=["switched"], min_width=200):
            self.form.add("refiner", container=False, elem_classes=["switch"])
            with gr.Row(elem_classes=["switched-body"]):
                choices = self.services.checkpoint_titles
                self.lists.add(self.form.add("refiner_checkpoint", choices=["", *choices()], filterable=True, min_width=160), choices, "")
                self.form.add("refiner_switch_at", min_width=120)

    def size(self) -> None:
        """Width and height with the button between them that swaps them."""
        with gr.Column(elem_id=f"{self.tab}_column_size", elem_classes=["column-size"], scale=4, min_width=200):
            self.form.add("width")
            self.form.add("height")
        with gr.Column(elem_id=f"{self.tab}_dimensions_row", elem_classes=["dimensions-tools"], scale=0, min_width=36):
            self.swap = tool("Swap width and height", f"{self.tab}_res_switch_btn", "swap")
            self.more_dimensions()

    def more_dimensions(self) -> None:  # noqa: B027 - a tab need not have any
        """Buttons beside the sizes of this tab alone."""

    def batches(self) -> None:
        with gr.Column(elem_id=f"{self.tab}_column_batch", elem_classes=["column-batch"], scale=2, min_width=140):
            self.form.add("batch_count")
            self.form.add("batch_size")

    def seeds(self) -> None:
        tab = self.tab
        look: dict[str, Any] = {"max_lines": 1, "html_attributes": gr.InputHTMLAttributes(autocomplete="off"), "min_width": 120}
        with gr.Column(elem_id=f"{tab}_seed_block", elem_classes=["switched", "seed-block"]):
            with gr.Row(elem_id=f"{tab}_seed_row", elem_classes=["seed-row"]):
                self.form.add("seed", elem_classes=["seed"], **look)
                self.dice = tool("A new seed for each picture", f"{tab}_random_seed", "dice")
                self.reuse = tool("The seed of the selected picture", f"{tab}_reuse_seed", "reuse")
                self.form.add("variation", container=False, elem_classes=["switch"], scale=0, min_width=80)
            with gr.Column(elem_id=f"{tab}_seed_extras", elem_classes=["switched-body"]):
                with gr.Row(elem_classes=["seed-row"]):
                    self.form.add("variation_seed", elem_classes=["seed"], **look)
                    self.variation_dice = tool("A new variation seed for each picture", f"{tab}_random_subseed", "dice")
                    self.variation_reuse = tool("The variation seed of the selected picture", f"{tab}_reuse_subseed", "reuse")
                    self.form.add("variation_strength", min_width=160)
                with gr.Row():
                    self.form.add("resize_seed_width", min_width=120)
                    self.form.add("resize_seed_height", min_width=120)

    def scripts(self) -> None:
        """Settings for this request only, and the scripts and extensions, whose panels the browser makes of their declared options."""
        self.form.add("overrides", allow_custom_value=True, elem_classes=["overrides"])
        part("webui-script", f"{self.tab}_script_container", tab=self.tab)

    def results(self) -> None:
        with gr.Column(elem_id=f"{self.tab}_results_panel", elem_classes=["results-panel"]):
            part("webui-progress", f"{self.tab}_progress", tab=self.tab)
            self.gallery = Gallery(self.tab, self.services, self.notices)

    def connect(self, page: gr.Blocks) -> None:
        """The tab's events: few reach the program, the rest happens in the browser."""
        tab, form, hidden = self.tab, self.form, {"visible": "hidden", "show_label": False}
        spoken, notice = self.notices.spoken, self.notices.box
        self.parts = gr.Textbox("", elem_id=f"{tab}_parts", **hidden)
        self.ticket = gr.Textbox("", elem_id=f"{tab}_ticket", **hidden)
        self.generate.click(
            spoken(self.submit), [*form.components(), self.parts], [self.ticket, notice], trigger_mode="multiple", preprocess=False,
            js=f"(...values) => webui.forms.collect('{tab}', values)", **QUIET)  # fmt: skip
        self.panels = gr.Textbox("", elem_id=f"{tab}_pasted_panels", **hidden)
        self.panels.change(None, self.panels, None, js=f"(text) => webui.forms.pastePanels('{tab}', text)", **QUIET)
        self.ticket.change(None, self.ticket, None, js="(job) => webui.results.expect(job)", **QUIET)
        self.interrupt.click(None, js=f"() => webui.jobs.interrupt('{tab}')", **QUIET)
        self.skip.click(None, js=f"() => webui.jobs.skip('{tab}')", **QUIET)
        self.connect_fields(page)
        self.paste.click(
            spoken(self.pasted), [form["prompt"], self.gallery.info], [*form.components(), notice, self.panels],
            js="(prompt, info) => [webui.prompt.takeDropped() ?? prompt, info]", trigger_mode="multiple", **QUIET)  # fmt: skip
        self.apply_styles.click(spoken(self.styled), self.styled_fields(), [*self.styled_fields(), notice], **QUIET)

    def connect_fields(self, page: gr.Blocks) -> None:
        """What happens between the fields, in the browser alone."""
        tab, form, info = self.tab, self.form, self.gallery.info
        self.clear.click(None, js=f"() => webui.prompt.clear('{tab}')", **QUIET)
        self.tidy.click(None, js=f"() => webui.prompt.tidy('{tab}')", **QUIET)
        size = [form["width"], form["height"]]
        self.swap.click(None, size, size, js="(width, height) => [height, width]", **QUIET)
        for dice, reuse, name, key in (
            (self.dice, self.reuse, "seed", "all_seeds"),
            (self.variation_dice, self.variation_reuse, "variation_seed", "all_subseeds"),
        ):
            dice.click(None, None, form[name], js="() => '-1'", **QUIET)
            again = f"(seed, info) => webui.results.seed('{tab}', '{key}', info) ?? seed"
            reuse.click(None, [form[name], info], form[name], js=again, **QUIET)
        memory, fields = json.dumps(form.memory()), form.components()
        page.load(None, fields, fields, js=f"(...values) => webui.fields.restore('{tab}', {memory}, values)", **QUIET)
        everything: list[Any] = list(fields)
        gr.on([field.change for field in everything], None, fields, None,
              js=f"(...values) => webui.fields.keep('{tab}', values)", **QUIET)  # fmt: skip
        put = gr.Button("Put values into the fields", elem_id=f"{tab}_put", visible="hidden")
        put.click(None, fields, fields, js=f"(...values) => webui.fields.taken('{tab}', values)", trigger_mode="multiple", **QUIET)

    def submit(self, request: gr.Request, *values: Any) -> Updates:
        """Puts what the form says into the queue. What happens to the job then comes over the server's event stream."""
        parts = json.loads(values[-1] or "{}")
        parts["extensions"] = with_pictures(parts.get("extensions", {}), self.services.uploads)
        local = request.client is not None and request.client.host in LOOPBACK
        return {self.ticket: self.submitted(self.form.named(values[:-1]), parts, owner=str(parts.get("owner", "")), local=local)}

    def pasted(self, text: str, info: str) -> Updates:
        """The fields as an infotext has them: the given one, else that of the picture shown, else that of the newest job."""
        infotexts = [text, *json.loads(info)["infotexts"][:1], *self.latest()]
        source = next((each for each in infotexts if each.strip()), "")
        paste = self.services.paste(source)
        if "steps" not in paste.request:
            raise BadRequest(
                "The text in the prompt is no infotext." if source else "There is no infotext in the prompt, and no picture to read.",
                "An infotext ends in a line such as 'Steps: 20, Sampler: Euler a'.",
            )
        titles = self.services.checkpoint_titles()
        choices: dict[str, Sequence[str]] = {"sampler": self.samplers, "schedule": self.schedules, "refiner_checkpoint": titles}
        options, used = self.services.read_extensions(paste.unknown, self.tab)
        values, missed = values_from(paste, self.form.names, choices, used)
        said = self.notices.notice(f"No field takes this part of the infotext: {', '.join(missed)}.") if missed else {}
        panels = {self.panels: json.dumps({"id": secrets.token_hex(4), "options": options})} if options else {}
        return {**self.form.updates(values), **said, **panels}

    def latest(self) -> list[str]:
        """The infotext of the newest job that has one."""
        summaries = (job.summary or {} for job in reversed(self.services.queue.jobs()))
        return [text for summary in summaries for text in summary.get("infotexts", [])[:1]][:1]

    def styled_fields(self) -> list[Component]:
        return [self.form[name] for name in ("prompt", "negative_prompt", "styles")]

    def styled(self, prompt: str, negative: str, styles: Sequence[str]) -> Updates:
        """The prompts with the chosen styles written into them; none is chosen then."""
        applied = self.services.apply_styles(prompt or "", negative or "", styles or ())
        return self.form.updates({"prompt": applied[0], "negative_prompt": applied[1], "styles": []})


def token_counter(elem_id: str) -> None:
    """The count of the tokens of the prompt beside it, which the browser fetches while one types."""
    gr.HTML("<webui-tokens>0/75</webui-tokens>", elem_id=elem_id, elem_classes=["token-counter"])
