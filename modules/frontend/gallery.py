"""The pictures of a job on the page, the text under them, and what can be done with them."""

import html
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modules.contract.errors import NotFound
from modules.contract.result import GeneratedImage
from modules.frontend.notices import Notices, Updates
from modules.frontend.services import PageJob, PageServices
from modules.frontend.toolkit import gr
from modules.imaging.metadata import encode

NOTHING = {"job": "", "paths": [], "all_seeds": [], "infotexts": [], "index_of_first_image": 0}


class Gallery:
    """The output panel of a tab: its components and the handlers that fill them.

    `info` is a text hidden in the page, as in A1111: JSON with the seeds and infotexts of the pictures shown.
    """

    def __init__(self, tab: str, services: PageServices, notices: Notices) -> None:
        self.services = services
        self.notices = notices
        with gr.Column(elem_id=f"{tab}_gallery_container"):
            self.pictures = gr.Gallery(
                label="Output", show_label=False, elem_id=f"{tab}_gallery", columns=4, object_fit="contain", interactive=False,
                buttons=["fullscreen"], format="png")
            gr.HTML("<webui-preview></webui-preview>", elem_classes=["live-preview"])
        with gr.Row(elem_id=f"image_buttons_{tab}", elem_classes=["image-buttons"]):
            self.open = gr.Button("Open the output folder", elem_id=f"{tab}_open_folder", elem_classes=["tool", "icon-folder"])
            self.keep = gr.Button("Save the picture to the output folder", elem_id=f"save_{tab}", elem_classes=["tool", "icon-save"],
                                  visible=False)
            self.download = gr.Button("Download the picture", elem_id=f"{tab}_download", elem_classes=["tool", "icon-download"])
            self.send = gr.Button("Put the picture's settings into the fields", elem_id=f"{tab}_send_to_fields",
                                  elem_classes=["tool", "icon-fields"])
        self.text = gr.HTML("", elem_id=f"html_info_{tab}", elem_classes=["infotext"])
        self.log = gr.HTML("", elem_id=f"html_log_{tab}", elem_classes=["html-log"])
        self.info = gr.Textbox(json.dumps(NOTHING), elem_id=f"generation_info_{tab}", visible="hidden", show_label=False)
        self.wanted = gr.Textbox("", elem_id=f"{tab}_wanted", visible="hidden", show_label=False)
        self.show = gr.Button("Show the result", elem_id=f"{tab}_show", visible="hidden")
        self.connect()

    def connect(self) -> None:
        """The events within the panel. `webui.results` in the browser says which job is wanted and which picture is selected."""
        quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        spoken, notice = self.notices.spoken, self.notices.box
        panel = [self.pictures, self.keep, self.text, self.log, self.info, notice]
        self.show.click(spoken(self.shown), [self.wanted], panel, js="() => [webui.results.wanted]", trigger_mode="multiple", **quiet)
        self.pictures.select(spoken(self.selected), [self.info], [self.text, notice], trigger_mode="multiple", **quiet)
        self.download.click(None, js="() => webui.results.download()", **quiet)
        self.send.click(None, js="() => webui.results.sendToFields()", **quiet)
        chosen = "(info) => [info, String(webui.results.selected())]"
        self.open.click(spoken(self.folder), [self.info, self.wanted], [self.log, notice], js=chosen, **quiet)
        self.keep.click(spoken(self.kept), [self.info, self.wanted], [self.log, self.info, self.keep, notice], js=chosen, **quiet)

    def shown(self, wanted: str) -> Updates:
        """The panel for a job that has ended with a result."""
        job = self.services.queue.get(wanted)
        summary = job.summary or {}
        info = {**NOTHING, "job": job.id, "paths": summary.get("paths", []), "all_seeds": summary.get("seeds", []),
                "infotexts": summary.get("infotexts", [])}
        files = self.files(job)
        unsaved = self.services.keep is not None and any(path is None for path in info["paths"])
        return {
            self.pictures: gr.update(value=files, selected_index=0 if files else None),
            self.keep: gr.update(visible=unsaved),
            self.text: infotext_html(next(iter(info["infotexts"]), "")),
            self.log: log_html(summary, len(files)),
            self.info: json.dumps(info),
        }

    def files(self, job: PageJob) -> list[Path]:
        """The files of a job's pictures; those that were not saved are written for the browser, where the program still has them."""
        result = self.services.results(job.id)
        paths: Sequence[str | None] = (job.summary or {}).get("paths", [])
        files = [Path(path) if path else unsaved(job.id, number, result.images[number] if result else None)
                 for number, path in enumerate(paths)]
        return [file for file in files if file and file.exists()]

    def selected(self, info: str, event: gr.SelectData) -> Updates:
        """The text under the picture that was clicked."""
        return {self.text: infotext_html(dict(enumerate(json.loads(info)["infotexts"])).get(event.index, ""))}

    def folder(self, info: str, number: str, request: gr.Request) -> Updates:
        """Opens the folder of the selected picture where page and program share a screen; says where it is anyway."""
        paths = job_paths(self.services, json.loads(info)["job"])
        path = paths[int(number)] if int(number) < len(paths) else None
        folder = Path(path).parent if path else self.services.folders.outputs
        local = request.client is not None and request.client.host in ("127.0.0.1", "::1")
        words = "Opened" if local and open_folder(folder) else "The pictures are in"
        return {self.log: f"<p>{words} <code>{html.escape(str(folder))}</code></p>"}

    def kept(self, info: str, number: str) -> Updates:
        """Saves the selected picture of a job that was made without saving."""
        values = json.loads(info)
        assert self.services.keep is not None
        path = self.services.keep(values["job"], int(number))
        values["paths"][int(number)] = path
        return {
            self.log: f"<p>Saved as <code>{html.escape(path)}</code></p>",
            self.info: json.dumps(values),
            self.keep: gr.update(visible=None in values["paths"]),
        }


def job_paths(services: PageServices, job: str) -> Sequence[str | None]:
    """Where a job's pictures are, as the queue knows it: what the browser says is not taken for a path."""
    try:
        return (services.queue.get(job).summary or {}).get("paths", []) if job else []
    except NotFound:
        return []


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


def log_html(summary: dict[str, Any], pictures: int) -> str:
    """The line under the text: how long it took, and what the job warned of."""
    lines = [f"<p>Time taken: <strong>{summary['seconds']:.1f} s</strong></p>"] if "seconds" in summary else []
    if pictures < len(summary.get("paths", [])):
        lines.append("<p class='warning'>Some pictures of this job are no longer on the disk.</p>")
    return "".join([*lines, *(f"<p class='warning'>{html.escape(text)}</p>" for text in summary.get("warnings", []))])


def open_folder(folder: Path) -> bool:
    """Show a folder in the file manager of this computer. False where there is none."""
    if not folder.is_dir():
        return False
    if sys.platform == "win32":
        os.startfile(folder)
        return True
    if sys.platform != "darwin" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        subprocess.Popen(["open" if sys.platform == "darwin" else "xdg-open", str(folder)], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)
    except OSError:
        return False
    return True
