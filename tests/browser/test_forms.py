"""What the forms of txt2img, img2img and Inpaint do together: pictures sent on, painted on, enlarged; scripts, styles, presets."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Program, fill, job_shown, shown_pictures

pytestmark = pytest.mark.browser
SIDE = 128  # the demo checkpoint's own


def opened(data: bytes) -> NDArray[np.int16]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.int16)


def generated(page: Page, tab: str = "txt2img", **values: str | float) -> list[NDArray[np.int16]]:
    """The pictures that a form makes."""
    before = page.evaluate("(tab) => webui.results.info(tab).job", tab) or ""
    fill(page, tab, **values)
    page.click(f"#{tab}_generate")
    job_shown(page, after=before, tab=tab)
    return [opened(data) for data in shown_pictures(page, tab)]


def sent_to_inpaint(page: Page) -> NDArray[np.int16]:
    """A picture, made and sent to Inpaint."""
    [source] = generated(page, prompt="a red star on a blue background", steps=4, seed=71)
    page.click("#txt2img_send_to_inpaint")
    expect(page.locator("body.inpaint-door")).to_be_attached()
    page.wait_for_function("(side) => webui.canvas?.('img2img')?.picture()?.width === side", arg=SIDE)
    expect(page.locator("#img2img_prompt textarea")).to_have_value("a red star on a blue background")
    return source


def stroke(page: Page) -> None:
    """Paint over the middle of the canvas."""
    box = page.locator("webui-canvas canvas").first.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 20, y)
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=5)
    page.mouse.up()


def test_only_what_is_painted_over_is_made_anew(page: Page) -> None:
    source = sent_to_inpaint(page)
    stroke(page)
    [result] = generated(page, "img2img", prompt="a green fish", steps=6, seed=11, mask_blur=0)
    assert result.shape == source.shape
    changed = np.abs(result - source).max(axis=2) > 0
    down, across = np.nonzero(changed)
    assert 100 < changed.sum() < SIDE * SIDE / 2
    assert abs(down.mean() - SIDE / 2) < 10
    assert abs(across.mean() - SIDE / 2) < 10
    assert not changed[:16].any() and not changed[-16:].any()  # what the brush has not reached is the same to the last level


def test_a_picture_is_made_wider_and_keeps_what_it_had(page: Page) -> None:
    source = sent_to_inpaint(page)
    page.evaluate("() => webui.canvas('img2img').drawing.extend([0, 0, 64, 0])")
    page.wait_for_function("() => webui.canvas?.('img2img')?.picture()?.width === 192")
    page.click("#img2img_detect_image_size_btn")
    expect(page.locator("#img2img_width input[type=number]")).to_have_value("192")
    [result] = generated(page, "img2img", steps=4, seed=3, mask_blur=0)
    assert result.shape == (SIDE, SIDE + 64, 3)
    assert np.array_equal(result[:, : SIDE - 16], source[:, : SIDE - 16])


def test_a_picture_is_painted_from_another_with_the_form_kept_over_a_reload(page: Page) -> None:
    source = sent_to_inpaint(page)
    page.click("#tab_img2img-button")
    expect(page.locator("body:not(.inpaint-door)")).to_be_attached()
    first = generated(page, "img2img", steps=6, seed=5)
    assert first[0].shape == source.shape
    page.reload()
    expect(page.locator("body[data-webui=ready]")).to_be_attached()
    page.click("#tab_img2img-button")
    page.wait_for_function("(side) => webui.canvas?.('img2img')?.picture()?.width === side", arg=SIDE)
    expect(page.locator("#img2img_seed input")).to_have_value("5")
    again = generated(page, "img2img")
    assert np.array_equal(first[0], again[0])


def test_a_picture_is_enlarged_in_its_place(page: Page) -> None:
    before = generated(page, prompt="a boat", steps=3, seed=100, batch_size=2)
    page.locator("#txt2img_gallery .thumbnails .thumbnail-item").nth(1).click()
    page.click("#txt2img_upscale")
    page.wait_for_function("() => webui.results.info('txt2img').job.includes(',')", timeout=120_000)
    after = [opened(data) for data in shown_pictures(page)]
    assert [picture.shape[0] for picture in after] == [before[0].shape[0], 2 * SIDE, SIDE]
    expect(page.locator("#html_info_txt2img")).to_contain_text("a boat")


def test_a_script_makes_its_grid_and_is_kept_over_a_reload(page: Page) -> None:
    page.select_option("#script_list", label="X/Y/Z plot")
    kind = page.locator("#script_txt2img_xyz_plot_x_type input")
    kind.fill("Steps")
    kind.press("Enter")
    page.fill("#script_txt2img_xyz_plot_x_values input", "1, 2")
    page.keyboard.press("Tab")
    [grid] = generated(page, prompt="a sun", seed=1)
    assert grid.shape[1] >= 2 * SIDE
    expect(page.locator("#html_info_txt2img")).to_contain_text("X Type: Steps")
    page.reload()
    expect(page.locator("body[data-webui=ready]")).to_be_attached()
    expect(page.locator("#script_txt2img_xyz_plot_x_values input")).to_have_value("1, 2")
    page.select_option("#script_list", label="None")


def test_a_preset_brings_the_fields_back(page: Page) -> None:
    fill(page, steps=7, cfg_scale=5)
    page.click("#txt2img_presets .icon-save")
    page.fill(".preset-dialog input:not([type])", "Quick")
    page.keyboard.press("Enter")
    expect(page.locator("#txt2img_preset option", has_text="Quick")).to_be_attached()
    fill(page, steps=20, cfg_scale=9)
    page.select_option("#txt2img_preset", label="As at the start")
    expect(page.locator("#txt2img_cfg_scale input[type=number]")).to_have_value("7")
    page.select_option("#txt2img_preset", label="Quick")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("7")
    expect(page.locator("#txt2img_cfg_scale input[type=number]")).to_have_value("5")
    page.click("#txt2img_presets .icon-clear")
    expect(page.locator("#txt2img_preset option", has_text="Quick")).not_to_be_attached()


def test_hires_fix_says_where_it_leads_and_makes_it(page: Page) -> None:
    page.check("#txt2img_hr-checkbox input")
    fill(page, hr_scale=1.5)
    expect(page.locator("#txtimg_hr_finalres")).to_contain_text("from 128x128 to 192x192")
    [picture] = generated(page, prompt="a house", steps=3, seed=2, hires_steps=2)
    assert picture.shape[:2] == (192, 192)
    expect(page.locator("#html_info_txt2img")).to_contain_text("Hires upscale: 1.5")


def test_a_batch_paints_from_each_picture_and_says_how_many(page: Page, tmp_path: Path) -> None:
    for name, shade in (("one.png", 60), ("two.png", 180)):
        Image.new("RGB", (SIDE, SIDE), (shade, 90, 30)).save(tmp_path / name)
    page.click("#tab_img2img-button")
    page.locator("#img2img_mode label", has_text="batch").click()
    page.set_input_files("webui-batch input[type=file]", [tmp_path / "one.png", tmp_path / "two.png"])
    expect(page.locator("webui-batch")).to_contain_text("2 pictures")
    pictures = generated(page, "img2img", prompt="a tree", steps=4, seed=9, denoising_strength=0.5)
    assert [picture.shape for picture in pictures] == [(SIDE, SIDE, 3)] * 2
    assert pictures[0].mean() < pictures[1].mean()  # each is made from its own


# The page has asked once what lies in the folders of models.
LOOKED = "() => performance.getEntriesByType('resource').some((each) => each.name.endsWith('/webui/stamp') && each.responseEnd > 0)"


def test_a_checkpoint_that_appears_is_listed_without_a_reload(page: Page, program: Program) -> None:
    models = program.data / "models" / "Stable-diffusion"
    page.wait_for_function(LOOKED)  # one that comes before is not noticed until the next
    shutil.copy(models / "demo.safetensors", models / "appeared.safetensors")
    try:
        page.evaluate("() => dispatchEvent(new Event('focus'))")
        page.click("#setting_sd_model_checkpoint input")
        expect(page.get_by_role("option", name="appeared.safetensors")).to_be_visible(timeout=20_000)
    finally:
        (models / "appeared.safetensors").unlink()


def test_the_chosen_styles_are_put_into_the_prompts(page: Page, program: Program) -> None:
    (program.data / "styles.csv").write_text("name,prompt,negative_prompt\nink,\"{prompt}, ink drawing\",photo\n", "utf8")
    page.request.post("/sdapi/v1/refresh-checkpoints")
    page.evaluate("() => document.dispatchEvent(new CustomEvent('webui-styles-changed'))")
    page.fill("#txt2img_prompt textarea", "a fish")
    page.click("#txt2img_styles input")
    page.get_by_role("option", name="ink").click()
    page.keyboard.press("Escape")
    page.click("#txt2img_style_apply")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a fish, ink drawing")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("photo")
