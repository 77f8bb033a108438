"""The Checkpoint Merger in a browser: what is said before the start, the merge itself, and the new checkpoint in use."""

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, Program, fill, idle, running, started

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A program with models of its own, since merging adds to them."""
    data = tmp_path_factory.mktemp("merging")
    folder = data / "models" / "Stable-diffusion"
    folder.mkdir(parents=True)
    for name in ("first", "second"):
        shutil.copy(ROOT / "models" / "Stable-diffusion" / "demo.safetensors", folder / f"{name}.safetensors")
    with started(data) as running:
        yield running


def merger(page: Page) -> None:
    page.locator("#tab_modelmerger-button").click()
    expect(page.locator("webui-merger .merger-formula")).to_be_visible()


def choose(page: Page, model: str, name: str) -> None:
    page.locator(f"#modelmerger_{model}_model_name input").click()
    page.get_by_role("option", name=name).first.click()


def test_what_will_come_of_it_is_said_and_the_new_checkpoint_is_used_with_one_click(page: Page, program: Program) -> None:
    merger(page)
    choose(page, "primary", "first")
    expect(page.locator(".merger-outlook")).to_contain_text("Weighted sum needs a secondary model (B).")
    choose(page, "secondary", "second")
    expect(page.locator(".merger-outlook")).to_contain_text("0.7(first) + 0.3(second).safetensors")
    expect(page.locator(".merger-outlook")).to_contain_text("The models fit together.")
    expect(page.locator(".merger-outlook")).to_contain_text("Stable Diffusion 1")
    expect(page.locator(".merger-formula")).to_have_text("A · (1 - M) + B · M, M = 0.3")
    page.locator("#modelmerger_custom_name").locator("textarea, input").first.fill("child")
    expect(page.locator(".merger-outlook")).to_contain_text("child.safetensors")
    page.locator("#modelmerger_merge").click()
    use = page.get_by_role("button", name="Use it now")
    expect(use).to_be_visible(timeout=60_000)
    assert (program.data / "models" / "Stable-diffusion" / "child.safetensors").stat().st_size > 10**7
    use.click()
    expect(page.get_by_role("button", name="It is in use")).to_be_visible()
    expect(page.locator("#setting_sd_model_checkpoint input")).to_have_value(re.compile(r"child\.safetensors"), timeout=60_000)
    expect(page.locator(".merger-outlook")).to_contain_text("There is a checkpoint child.safetensors already.")


def test_metadata_of_the_chosen_checkpoints_is_read_into_the_field(page: Page) -> None:
    merger(page)
    choose(page, "primary", "first")
    page.get_by_role("button", name="Metadata").first.click()
    field = page.locator("#modelmerger_metadata_json textarea")
    expect(field).to_have_value("{}")
    page.locator("#modelmerger_read_metadata").click()
    expect(field).not_to_have_value("{}")


def test_a_merge_that_waits_is_taken_back_and_writes_nothing(page: Page, program: Program) -> None:
    fill(page, prompt="a star", steps=150)
    page.click("#txt2img_generate")
    running(page)
    merger(page)
    choose(page, "primary", "first")
    choose(page, "secondary", "second")
    page.locator("#modelmerger_custom_name").locator("textarea, input").first.fill("never")
    page.locator("#modelmerger_merge").click()
    expect(page.locator("webui-merger webui-job-line .what")).to_contain_text("Waiting")
    page.locator("webui-merger").get_by_role("button", name="Cancel").click()
    expect(page.locator("#modelmerger_result")).to_contain_text("nothing was written")
    assert not list((program.data / "models").rglob("never*"))
    page.locator("#tab_txt2img-button").click()
    page.click("#txt2img_interrupt")
    idle(page)
