"""The pictures of a job on the page, the text under them, and what can be done with them."""

import html
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from modules.contract.errors import NotFound
from modules.contract.file_manager import open_folder
from modules.contract.result import GeneratedImage
from modules.frontend.keeping import keep
from modules.frontend.notices import Notices, Updates
from modules.frontend.services import PageServices
from modules.frontend.toolkit import gr, tool
from modules.imaging.metadata import encode

NOTHING = {"job": "", "pictures": [], "all_seeds": [], "all_subseeds": [], "infotexts": [], "index_of_first_image": 0}
KEPT = "log/images"  # below the data folder; A1111's place for pictures that were saved by hand


class Picture(NamedTuple):
    """A picture of the panel: `key` is its job and its number there, `file` None where it is no longer on the disk."""

    key: str
    file: Path | None
    saved: bool
    seed: int
    variation_seed: int
    infotext: str


class Gallery:
    """The output panel of a tab: its components and the handlers that fill them.

    `info` is a text hidden in the page, as in A1111: JSON with the seeds and infotexts of the pictures shown.
    """

    def __init__(self, tab: str, services: PageServices, notices: Notices) -> None:
        self.services = services
        self.notices = notices
        with gr.Column(elem_id=f"{tab}_gallery_container", elem_classes=["gallery-box"]):
            self.pictures = gr.Gallery(
                label="Output", show_label=False, elem_id=f"{tab}_gallery", elem_classes=["gallery-shown"], columns=4,
                object_fit="contain", interactive=False, buttons=["fullscreen"], format="png")
            gr.HTML("<webui-preview></webui-preview>", elem_classes=["live-preview"])
        with gr.Row(elem_id=f"image_buttons_{tab}", elem_classes=["image-buttons"]):
            self.open = tool("Open the output folder", f"{tab}_open_folder", "folder")
            self.keep = tool("Save the picture apart, with a line in log.csv", f"save_{tab}", "save")
            self.zip = tool("Download all pictures as a zip file", f"save_zip_{tab}", "zip")
            self.download = tool("Download the picture", f"{tab}_download", "download")
            self.send = tool("Put the picture's settings into the fields", f"{tab}_send_to_fields", "fields")
            self.sends = [
                (target, tool(name, f"{tab}_send_to_{target}", icon))
                for target, name, icon in (
                    ("img2img", "Send the picture to img2img", "picture"),
                    ("inpaint", "Send the picture to Inpaint", "brush"),
                    ("extras", "Send the picture to Extras", "enlarge"),
                )
            ]
            self.share = tool("Make a card of the picture to share", f"{tab}_share", "share")
            words = "Enlarge the picture with the settings of Hires. fix"
            self.upscale = tool(words, f"{tab}_upscale", "sparkle") if tab == "txt2img" else None
        self.text = gr.HTML("", elem_id=f"html_info_{tab}", elem_classes=["infotext"])
        self.log = gr.HTML("", elem_id=f"html_log_{tab}", elem_classes=["html-log"])
        self.info = gr.Textbox(json.dumps(NOTHING), elem_id=f"generation_info_{tab}", visible="hidden", show_label=False)
        self.wanted = gr.Textbox("", elem_id=f"{tab}_wanted", visible="hidden", show_label=False)
        self.show = gr.Button("Show the result", elem_id=f"{tab}_show", visible="hidden")
        self.connect(tab)

    def connect(self, tab: str) -> None:
        """The events within the panel. `webui.results` in the browser says which job is wanted and which picture is selected."""
        quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        spoken, notice = self.notices.spoken, self.notices.box
        panel = [self.pictures, self.text, self.log, self.info, notice]
        wanted = f"() => [webui.results.wanted('{tab}')]"
        self.show.click(spoken(self.shown), [self.wanted], panel, js=wanted, trigger_mode="multiple", **quiet)
        self.pictures.select(spoken(self.selected), [self.info], [self.text, notice], trigger_mode="multiple", **quiet)
        self.download.click(None, js=f"() => webui.results.download('{tab}')", **quiet)
        self.zip.click(None, js=f"() => webui.results.zip('{tab}')", **quiet)
        self.send.click(None, js=f"() => webui.results.sendToFields('{tab}')", **quiet)
        self.share.click(None, js=f"() => webui.results.share('{tab}')", **quiet)
        for target, button in self.sends:
            button.click(None, js=f"() => webui.results.send('{tab}', '{target}')", **quiet)
        chosen = f"(info) => [info, String(webui.results.selected('{tab}'))]"
        self.open.click(spoken(self.folder), [self.info, self.wanted], [self.log, notice], js=chosen, **quiet)
        self.keep.click(spoken(self.kept), [self.info, self.wanted], [self.log, notice], js=chosen, **quiet)

    def shown(self, wanted: str) -> Updates:
        """The panel for a job that has ended with a result, or for single pictures of jobs: `job` or `job:0,other:2`."""
        found = self.found(wanted)
        there = [one for one in found if one.file]
        info = {
            **NOTHING,
            "job": wanted,
            "pictures": [one.key for one in there],
            "all_seeds": [one.seed for one in there],
            "all_subseeds": [one.variation_seed for one in there],
            "infotexts": [one.infotext for one in there],
        }
        summary = self.services.queue.get(wanted.partition(":")[0].partition(",")[0]).summary or {}
        return {
            self.pictures: gr.update(value=[one.file for one in there], selected_index=0 if there else None),
            self.text: infotext_html(there[0].infotext if there else ""),
            self.log: log_html(summary, lost=len(found) - len(there)),
            self.info: json.dumps(info),
        }

    def found(self, wanted: str) -> list[Picture]:
        """The pictures that are meant by `job` or `job:0,other:2`. Raises NotFound for a job that is not known."""
        pairs = [one.partition(":") for one in wanted.split(",")]
        return [picture for job, colon, number in pairs for picture in self.of_job(job, int(number) if colon else None)]

    def of_job(self, identifier: str, only: int | None) -> list[Picture]:
        """A job's pictures, or one of them. Those that were not saved are written for the browser, where the program still has them."""
        job = self.services.queue.get(identifier)
        summary, result = job.summary or {}, self.services.results(identifier)
        pictures: list[Picture] = []
        for number, path in enumerate(summary.get("paths", [])):
            if only in (None, number):
                file = Path(path) if path else unsaved(identifier, number, result.images[number] if result else None)
                seed, varied, infotext = (
                    dict(enumerate(summary.get(name, []))).get(number, nothing)
                    for name, nothing in (("seeds", -1), ("variation_seeds", -1), ("infotexts", ""))
                )
                exists = file is not None and file.exists()
                pictures.append(Picture(f"{identifier}:{number}", file if exists else None, bool(path), seed, varied, infotext))
        return pictures

    def chosen(self, info: str, number: str) -> Picture:
        """The selected picture of the panel. What the browser says is taken for a number, never for a path. Raises NotFound."""
        pictures = json.loads(info)["pictures"]
        place = int(number or 0)
        found = self.found(str(pictures[place])) if 0 <= place < len(pictures) else []
        if not found or found[0].file is None:
            raise NotFound("There is no picture in the gallery.", "Generate one, or choose another.")
        return found[0]

    def selected(self, info: str, event: gr.SelectData) -> Updates:
        """The text under the picture that was clicked."""
        return {self.text: infotext_html(dict(enumerate(json.loads(info)["infotexts"])).get(event.index, ""))}

    def folder(self, info: str, number: str, request: gr.Request) -> Updates:
        """Opens the folder of the selected picture where page and program share a screen; says where it is anyway."""
        picture = self.chosen(info, number) if json.loads(info)["pictures"] else None
        folder = picture.file.parent if picture and picture.file and picture.saved else self.services.folders.outputs
        local = request.client is not None and request.client.host in ("127.0.0.1", "::1")
        words = "Opened" if local and open_folder(folder) else "The pictures are in"
        return {self.log: f"<p>{words} <code>{html.escape(str(folder))}</code></p>"}

    def kept(self, info: str, number: str) -> Updates:
        """Saves the selected picture apart."""
        picture = self.chosen(info, number)
        assert picture.file
        path = keep(picture.file, picture.infotext, self.services.folders.data / KEPT)
        return {self.log: f"<p>Saved as <code>{html.escape(str(path))}</code></p>"}


def unsaved(job: str, number: int, picture: GeneratedImage | None) -> Path | None:
    """A file for the browser with a picture that was not saved, in Gradio's temporary folder."""
    if picture is None:
        return None
    file = Path(os.environ["GRADIO_TEMP_DIR"]) / f"{job}-{number}.png"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode(picture.image, format="png", infotext=picture.infotext))
    return file


def infotext_html(text: str) -> str:
    """An infotext as paragraphs: prompt, negative prompt, parameters."""
    return "".join(f"<p>{html.escape(line)}</p>" for line in text.splitlines() if line)


def log_html(summary: dict[str, Any], *, lost: int) -> str:
    """The line under the text: how long it took, and what the job warned of. `lost` pictures are no longer there."""
    lines = [f"<p>Time taken: <strong>{summary['seconds']:.1f} s</strong></p>"] if "seconds" in summary else []
    if lost:
        lines.append("<p class='warning'>Some pictures of this job are no longer on the disk.</p>")
    return "".join([*lines, *(f"<p class='warning'>{html.escape(text)}</p>" for text in summary.get("warnings", []))])
