"""The page without a browser: what its handlers do, and what is served."""

import asyncio
import html
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from modules.frontend.build import build_page, mount
from modules.frontend.gallery import infotext_html
from modules.frontend.serving import with_head
from modules.jobs.job import Job
from modules.jobs.queue import JobQueue
from tests.frontend.pretended import application, services

LOCAL = SimpleNamespace(client=SimpleNamespace(host="127.0.0.1"))  # what a handler reads of Gradio's request


@dataclass
class Driven:
    """A page and its queue; handlers are called as Gradio would, values and updates by the ids of the controls."""

    page: Any
    queue: JobQueue

    def event(self, handler: str, tab: str = "txt2img") -> Any:
        """An event by its handler's name, the tab's where each has one."""
        found = [each for each in self.page.fns.values() if each.fn and each.fn.__name__ == handler]
        return found[("txt2img", "img2img").index(tab)] if len(found) > 1 else found[0]

    def call(self, handler: str, *values: Any, **controls: Any) -> dict[str, Any]:
        """What a handler gives back. `controls` is for one that reads a form: all others are as the page begins."""
        event = self.event(handler)
        if controls:
            given = {block: controls.get(block.elem_id, block.value) for block in event.inputs}
            values = (given,) if event.inputs_as_dict else tuple(given.values())
            if handler in ("submit", "folder"):
                values = (LOCAL, *values)
        return {block.elem_id: value for block, value in event.fn(*values).items()}

    def generate(self, **controls: Any) -> Job:
        """The job that the txt2img form makes, once it is over."""
        fields = {f"txt2img_{name}": value for name, value in controls.items()}
        ticket = self.call("submit", txt2img_parts=json.dumps({"owner": "tab"}), **fields)
        return self.ended(ticket["txt2img_ticket"])

    def ended(self, job: str) -> Job:
        """The job once it is over."""
        with ThreadPoolExecutor(1) as thread:  # Playwright, where it runs too, keeps an event loop in this one
            return thread.submit(lambda: asyncio.run(self.queue.wait(job))).result(30)


@pytest.fixture
def driven(tmp_path: Path) -> Iterator[Driven]:
    page_services, queue = services(tmp_path, seconds=0.001)
    queue.start()
    yield Driven(build_page(page_services, temporary=tmp_path / "temporary"), queue)
    queue.stop(1.0)


def notice(updates: dict[str, Any]) -> str:
    """The words of a notice."""
    said = json.loads(updates["webui_notice"])
    return f"{said['text']} {said['hint']}".strip()


def test_generate_puts_the_form_into_the_queue_for_its_tab(driven: Driven) -> None:
    job = driven.generate(prompt="a boat", steps=3, seed="5")
    assert (job.owner, job.title, job.request["steps"], job.request["seed"], job.state) == ("tab", "a boat", 3, 5, "done")


def test_what_cannot_be_is_said_and_nothing_is_queued(driven: Driven) -> None:
    assert notice(driven.call("submit", txt2img_width=100)) == "Width is 100; it must be a multiple of 8."
    assert driven.queue.jobs() == []


def test_a_bug_is_said_with_an_id(driven: Driven, caplog: pytest.LogCaptureFixture) -> None:
    said = notice(driven.call("selected", "not JSON", None))
    assert said.startswith("Something went wrong (id ")
    assert said.split("id ")[1][:4] in caplog.text


def test_a_result_is_shown_with_its_text_its_seeds_and_its_warnings(driven: Driven) -> None:
    job = driven.generate(prompt="<b> warn", steps=2, seed="5", batch_size=2)
    panel = driven.call("shown", job.id)
    assert panel["txt2img_gallery"]["selected_index"] == 0
    assert len(panel["txt2img_gallery"]["value"]) == 2
    assert panel["html_info_txt2img"].startswith("<p>&lt;b&gt; warn</p><p>Steps: 2, ")
    assert "This picture was drawn by a test." in panel["html_log_txt2img"]
    info = json.loads(panel["generation_info_txt2img"])
    assert (info["job"], info["all_seeds"]) == (job.id, [5, 6])


def test_a_picture_that_is_gone_is_not_shown(driven: Driven) -> None:
    job = driven.generate(prompt="a", steps=1)
    assert job.summary
    Path(job.summary["paths"][0]).unlink()
    panel = driven.call("shown", job.id)
    assert panel["txt2img_gallery"]["value"] == []
    assert "no longer on the disk" in panel["html_log_txt2img"]


def test_a_picture_that_was_not_saved_is_shown_with_its_infotext(driven: Driven) -> None:
    request = {"prompt": "unsaved", "steps": 1, "size": [128, 128], "save": False}
    job = driven.ended(driven.queue.submit("generate", request, owner="").id)
    [file] = driven.call("shown", job.id)["txt2img_gallery"]["value"]
    with Image.open(file) as picture:
        assert picture.info["parameters"].startswith("unsaved\n")


def test_pasting_fills_the_fields_from_the_prompt_or_else_from_the_newest_job(driven: Driven) -> None:
    text = "a fish\nSteps: 9, Sampler: euler A, CFG scale: 5.5, Seed: 77, Size: 192x128"
    nothing = json.dumps({"infotexts": []})
    fields = driven.call("pasted", text, nothing)
    assert (fields["txt2img_sampling"], fields["txt2img_width"], fields["txt2img_seed"]) == ("Euler a", 192, "77")
    missing = driven.call("pasted", text.replace("euler A", "Nobody's") + ", Wind: north", nothing)
    assert notice(missing) == "No field takes this part of the infotext: Wind: north, Nobody's."
    assert "txt2img_sampling" not in missing
    assert notice(driven.call("pasted", "just words", nothing)).startswith("The text in the prompt is no infotext.")
    assert notice(driven.call("pasted", "", nothing)).startswith("There is no infotext in the prompt")
    driven.generate(prompt="newest", steps=2)
    assert driven.call("pasted", "", nothing)["txt2img_prompt"] == "newest"


def test_the_chosen_styles_are_written_into_the_prompts(driven: Driven) -> None:
    fields = driven.call("styled", "a fish", "", ["ink"])
    assert (fields["txt2img_prompt"], fields["txt2img_styles"]) == ("a fish, ink", [])


def test_a_second_pass_over_a_picture_has_its_seed_and_takes_its_place(driven: Driven) -> None:
    job = driven.generate(prompt="a", steps=1, seed="5", batch_size=2)
    info = driven.call("shown", job.id)["generation_info_txt2img"]
    event = driven.event("upscale")
    values = [block.value for block in event.inputs[:-2]]
    updates = {block.elem_id: value for block, value in event.fn(*values, info, "1").items()}
    second, panel = updates["txt2img_ticket"].split(" ")
    request = driven.ended(second).request
    assert (request["seed"], request["batch_size"], request["size"]) == (6, 1, [128, 128])
    assert request["hires"]["first"]
    assert panel == f"{job.id}:0,{second}:0"
    shown = json.loads(driven.call("shown", panel)["generation_info_txt2img"])
    assert shown["pictures"] == [f"{job.id}:0", f"{second}:0"]


def test_a_size_left_alone_follows_the_checkpoint(driven: Driven) -> None:
    chosen = driven.call("choose", setting_sd_model_checkpoint="photographs.safetensors [aaaabbbbcc]")
    assert chosen["setting_sd_model_checkpoint"]["value"] == "photographs.safetensors [aaaabbbbcc]"
    assert (chosen["txt2img_width"], chosen["txt2img_height"]) == (512, 512)
    back = driven.call("choose", setting_sd_model_checkpoint="demo", txt2img_width=640, txt2img_height=512)
    assert "txt2img_width" not in back


def test_a_checkpoint_that_cannot_be_loaded_leaves_the_old_choice(driven: Driven) -> None:
    updates = driven.call("choose", setting_sd_model_checkpoint="broken")
    assert notice(updates) == "The file 'broken.safetensors' is truncated: it has 12 of 4096 bytes. Download it again."
    assert updates["setting_sd_model_checkpoint"]["value"] == "demo.safetensors [0123456789]"


def test_an_infotext_cannot_run_as_a_part_of_the_page() -> None:
    assert infotext_html("<script>\n${1}") == "<p>&lt;script&gt;</p><p>${1}</p>"


def test_the_page_is_served_with_our_files_and_no_outside_address(tmp_path: Path) -> None:
    app, _ = application(tmp_path, 80)
    with TestClient(app, base_url="http://localhost") as client:
        page = client.get("/")
        assert page.status_code == 200
        assert "og:image" not in page.text
        head = page.text.split("</head>")[0].split("window.gradio_config")[0]
        for address in ("page.css", "forms.css", "icons.css", "theme.js", "page.js"):
            [path] = [part.split("'")[0] for part in head.split("='") if part.split("'")[0].endswith(address)]
            answer = client.get(html.unescape(path))
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]


def test_gradio_serves_no_file_beside_the_outputs(tmp_path: Path) -> None:
    app, _ = application(tmp_path, 80)
    secret = tmp_path / "secret.png"
    Image.new("RGB", (8, 8)).save(secret)
    with TestClient(app, base_url="http://localhost") as client:
        assert client.get(f"/gradio_api/file={secret}").status_code == 403


def test_gradio_is_told_that_it_runs_or_it_would_take_any_path_for_an_upload(driven: Driven, tmp_path: Path) -> None:
    mount(FastAPI(), driven.page, outputs=tmp_path)
    assert driven.page.has_launched


def test_what_link_previews_would_show_is_taken_out() -> None:
    page = '<head><meta property="og:image"\n content="https://elsewhere/x.png" /><title>a</title></head>'
    assert with_head(page, "<link>") == "<head><link><title>a</title></head>"
