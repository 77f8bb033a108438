"""The canvas: what is drawn is what is sent, pixel by pixel; files, undo, margins, views, keys, and a reload in between."""

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from modules.frontend.canvas import Drawn, canvas_value, source_of
from modules.server.security import PAGE_POLICY
from modules.server.uploads import Uploads
from tests.browser.conftest import Program, ready

pytestmark = pytest.mark.browser

# The element on a page of its own, which is there at once; with the program's own routes, files and rules.
ALONE = """<!doctype html><html lang="en"><head><title>Canvas</title>
<link rel="stylesheet" href="{web}/page.css"><link rel="stylesheet" href="{web}/icons.css"><link rel="stylesheet" href="{web}/widgets.css">
<link rel="icon" href="{web}/icon.svg"></head><body class="gradio-container"><main></main>
<script type="module">
import {{ startParts }} from "{web}/parts.js";
startParts();
document.body.dataset.webui = "ready";
</script></body></html>"""
MOUNT = """async (mode) => {
    if (document.querySelector("#tabs")) document.querySelector("#tabs").style.display = "none";
    const box = document.createElement("div");
    box.innerHTML = `<webui-canvas data-name="test" data-mode="${mode}"></webui-canvas>`;
    document.querySelector("main").prepend(box);
    await customElements.whenDefined("webui-canvas");
    await webui.canvas("test").loading;
}"""
LOAD = """async ([address, how]) => webui.canvas("test").load(address, how)"""


def file_of(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def address(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def scene(width: int = 512, height: int = 512) -> Image.Image:
    """A picture of which no two corners are alike."""
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], axis=-1).astype(np.uint8))


class Canvas:
    """The element on a page, by its API and by hand."""

    def __init__(self, page: Page, program: Program) -> None:
        self.page = page
        self.uploads = Uploads(program.data / "cache" / "uploads")
        self.stage = page.locator("webui-canvas .canvas-stage")

    def load(self, data: bytes, kind: str = "png", **how: Any) -> None:
        assert self.page.evaluate(LOAD, [address(data, kind), how])
        self.settle()

    def settle(self) -> None:
        """Wait until the view has been drawn."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A point of the picture on the screen."""
        found: dict[str, float] = self.page.evaluate(
            """([x, y]) => {
                const { view, stage } = webui.canvas("test"), box = stage.getBoundingClientRect();
                const at = view.onStage({ left: x, top: y, right: x, bottom: y });
                return { x: box.left + stage.clientLeft + at.left, y: box.top + stage.clientTop + at.top };
            }""", [x, y])
        return found["x"], found["y"]

    def point(self, x: float, y: float) -> tuple[float, float]:
        """The point of the picture that a place on the screen, as the browser rounds it, stands for."""
        found: dict[str, float] = self.page.evaluate(
            """([x, y]) => {
                const { view, stage } = webui.canvas("test"), box = stage.getBoundingClientRect();
                return view.point(x - box.left - stage.clientLeft, y - box.top - stage.clientTop);
            }""", [x, y])
        return found["x"], found["y"]

    def stroke(self, *points: tuple[float, float]) -> list[tuple[float, float]]:
        """Draw through points of the picture; the points as the browser took them."""
        places = [tuple(map(round, self.place(*point))) for point in points]
        taken = [self.point(*place) for place in places]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place)
        self.page.mouse.up()
        return taken

    def value(self) -> dict[str, Any]:
        return self.page.evaluate("""() => webui.canvas("test").value()""")

    def source(self, **more: Any) -> Drawn:
        mode = self.page.evaluate("""() => webui.canvas("test").mode""")
        return source_of(canvas_value(self.value()), mode, self.uploads.read, **more)

    def mask(self) -> NDArray[np.uint8]:
        drawn = self.source().mask
        assert drawn
        return np.asarray(Image.open(io.BytesIO(drawn)))

    def mode(self, mode: str) -> None:
        self.page.evaluate("""(mode) => { webui.canvas("test").mode = mode }""", mode)

    def set(self, name: str, value: object) -> None:
        self.page.evaluate("""([name, value]) => { webui.canvas("test")[name] = value }""", [name, value])

    def button(self, name: str) -> Locator:
        return self.page.locator("webui-canvas").get_by_role("button", name=name, exact=True)


@pytest.fixture
def mounted(context: BrowserContext, program: Program) -> Callable[[str], Canvas]:
    """Puts a canvas of a mode on a page with nothing else."""

    def mount(mode: str) -> Canvas:
        page = context.new_page()
        web = re.search(r"/webui/web/[0-9a-f]+", context.request.get("/").text())
        assert web
        html = ALONE.format(web=web[0])
        headers = {"Content-Security-Policy": PAGE_POLICY, "Content-Type": "text/html"}
        context.route("**/canvas-alone", lambda route: route.fulfill(body=html, headers=headers))
        page.goto("/canvas-alone")
        ready(page)
        page.evaluate(MOUNT, mode)
        return Canvas(page, program)

    return mount


def capsule(shape: tuple[int, int], start: tuple[float, float], end: tuple[float, float], radius: float) -> NDArray[np.bool_]:
    """The pixels whose middles are not further than `radius` from a line."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    (x0, y0), (x1, y1) = start, end
    length = (x1 - x0) ** 2 + (y1 - y0) ** 2
    along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / max(length, 1e-9), 0, 1)
    return np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)) <= radius


@pytest.mark.parametrize(("side", "zoom"), [(512, 1), (2048, 4)])
def test_a_stroke_is_sent_as_the_pixels_within_the_brush_whatever_the_zoom(mounted: Callable[[str], Canvas], side: int, zoom: int) -> None:
    canvas = mounted("inpaint")
    canvas.load(file_of(scene(side, side)))
    canvas.page.evaluate("(zoom) => { webui.canvas('test').view.zoom(zoom); webui.canvas('test').resizeBrushTo(90) }", zoom)
    canvas.settle()
    middle = side / 2
    start, end = canvas.stroke((middle - 70, middle - 30), (middle + 80, middle + 41))
    mask = canvas.mask()
    assert set(np.unique(mask)) == {0, 255}
    assert np.count_nonzero((mask > 0) != capsule(mask.shape, start, end, 45)) <= 2  # of thousands: distances that round to exactly 45


def test_the_picture_is_sent_byte_for_byte_and_nothing_twice(mounted: Callable[[str], Canvas]) -> None:
    canvas = mounted("inpaint")
    sent: list[str] = []
    canvas.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" and "uploads" in request.url else None)
    data = file_of(scene(), "JPEG", quality=70)
    canvas.load(data, "jpeg")
    canvas.stroke((100, 100), (200, 120))
    first = canvas.value()
    assert canvas.uploads.read(first["picture"]) == data
    canvas.mask()
    assert canvas.value() == first
    assert len(sent) == 2
    canvas.stroke((300, 100), (320, 200))
    assert canvas.value()["picture"] == first["picture"]
    assert len(sent) == 3


def test_eraser_undo_redo_fill_invert_clear_and_bucket(mounted: Callable[[str], Canvas]) -> None:
    canvas = mounted("inpaint")
    canvas.load(file_of(scene(700, 400)))
    canvas.stroke((100, 200), (400, 200))
    painted = canvas.mask()
    canvas.page.keyboard.press("e")
    canvas.stroke((250, 100), (250, 300))
    erased = canvas.mask()
    assert painted[200, 250] == 255 > erased[200, 250]
    canvas.page.keyboard.press("Control+z")
    assert np.array_equal(canvas.mask(), painted)
    canvas.page.keyboard.press("Control+y")
    assert np.array_equal(canvas.mask(), erased)
    canvas.button("Turn the mask over").click()
    assert np.array_equal(canvas.mask(), 255 - erased)
    canvas.button("Clear what is drawn").click()
    assert canvas.source().blank
    canvas.page.keyboard.press("b")
    canvas.set("size", 20)
    canvas.stroke((100, 100), (300, 100), (300, 300), (100, 300), (100, 100))
    canvas.button("Fill an area (G)").click()
    canvas.page.mouse.click(*canvas.place(200, 200))
    filled = canvas.mask()
    assert filled[110:290, 110:290].min() == 255
    assert filled[50, 50] == filled[200, 500] == 0
    canvas.button("Fill everything").click()
    assert canvas.mask().min() == 255
    for _ in range(5):
        canvas.button("Undo (Ctrl+Z)").click()
    assert np.array_equal(canvas.mask(), erased)


def test_a_softened_edge_fades_evenly_and_keeps_the_middle(mounted: Callable[[str], Canvas]) -> None:
    canvas = mounted("inpaint")
    canvas.load(file_of(scene()))
    canvas.set("size", 160)
    canvas.stroke((256, 256), (256, 257))
    canvas.button("Soften the mask's edge").click()
    canvas.page.get_by_label("Pixels to soften the edge by").fill("20")
    canvas.button("Soften").click()
    row = canvas.mask()[256].astype(int)
    assert row[256] == 255
    assert 100 < row[336] < 155  # the old edge
    assert row[336 - 24] > 250 and row[336 + 24] < 5
    assert np.all(np.diff(row[256:400]) <= 0)


def test_a_sketch_lies_over_the_picture_and_an_inpaint_sketch_masks_it_too(mounted: Callable[[str], Canvas]) -> None:
    canvas = mounted("sketch")
    canvas.load(file_of(scene()))
    canvas.page.locator("webui-canvas input[type=color]").fill("#12c834")
    start, end = canvas.stroke((150, 150), (350, 300))
    sketch = canvas.source()
    assert sketch.mask is None
    pixels, before = np.asarray(Image.open(io.BytesIO(sketch.picture))), np.asarray(scene())
    inside, around = (capsule((512, 512), start, end, radius) for radius in (23, 25))
    assert np.all(pixels[inside] == (0x12, 0xC8, 0x34))
    assert np.array_equal(pixels[~around], before[~around])
    edge = pixels[around & ~inside]
    assert np.any(np.any(edge != (0x12, 0xC8, 0x34), axis=-1))  # smooth, not stairs
    canvas.mode("inpaint sketch")
    both = canvas.source()
    assert both.mask
    mask = np.asarray(Image.open(io.BytesIO(both.mask))) > 0
    assert np.all(mask[inside]) and not np.any(mask[~around])
    canvas.mode("inpaint")
    assert canvas.source().blank  # the mask is a layer of its own
    canvas.mode("img2img")
    assert canvas.source().picture == file_of(scene())


def test_a_mask_is_loaded_saved_and_refused_without_a_picture(mounted: Callable[[str], Canvas], tmp_path: Path) -> None:
    canvas = mounted("inpaint upload")
    canvas.load(file_of(scene(300, 200)))
    grey = np.zeros((200, 300), np.uint8)
    grey[50:100, 20:220], grey[120:150, 10:100] = 255, 77
    with canvas.page.expect_file_chooser() as chooser:
        canvas.button("Load a mask from a file").click()
    chooser.value.set_files({"name": "mask.png", "mimeType": "image/png", "buffer": file_of(Image.fromarray(grey))})
    canvas.page.wait_for_function("() => webui.canvas('test').drawing.versions.mask > 0")
    assert np.array_equal(canvas.mask(), grey)
    with canvas.page.expect_download() as download:
        canvas.button("Save the mask as a file").click()
    assert download.value.suggested_filename == "picture-mask.png"
    saved = Image.open(download.value.path())
    assert saved.mode == "L" and np.array_equal(np.asarray(saved), grey)
    canvas.button("Remove the picture").click()
    load = "async (address) => webui.canvas('test').loadMask(await (await fetch(address)).blob())"
    canvas.page.evaluate(load, address(file_of(scene(8, 8))))
    expect(canvas.page.locator("#webui-notices")).to_contain_text("There is no picture to go with the mask.")


def test_the_frame_is_dragged_and_stepped_beyond_the_picture(mounted: Callable[[str], Canvas]) -> None:
    canvas = mounted("inpaint")
    canvas.load(file_of(scene(512, 256)))
    canvas.button("Outpaint: make the picture larger").click()
    canvas.settle()
    handle = canvas.page.locator("webui-canvas .canvas-handle.right").bounding_box()
    assert handle
    at = (handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    share = canvas.page.evaluate("() => webui.canvas('test').view.density / webui.canvas('test').view.scale")
    canvas.page.mouse.move(*at)
    canvas.page.mouse.down()
    canvas.page.mouse.move(at[0] + 99 / share, at[1], steps=4)
    canvas.page.mouse.up()
    canvas.button("Top: 64 pixels more").click()
    right = canvas.value()["margin"][2]
    assert right % 8 == 0 and 90 <= right <= 108
    drawn = canvas.source()
    assert drawn.size == (512 + right, 256 + 64) and canvas.page.evaluate("() => webui.canvas('test').picture().height") == 320
    assert drawn.mask
    mask, pixels = np.asarray(Image.open(io.BytesIO(drawn.mask))), np.asarray(Image.open(io.BytesIO(drawn.picture)))
    assert mask[:64].min() == 255 and mask[:, 512:].min() == 255 and mask[64 + 16 :, : 512 - 16].max() == 0
    assert np.array_equal(pixels[64:, :512], np.asarray(scene(512, 256)))
    assert np.array_equal(pixels[70, 512 + right - 1], pixels[70, 511])
    canvas.page.keyboard.press("Control+z")
    assert canvas.value()["margin"] == [0, 0, right, 0]
    canvas.page.keyboard.press("Control+z")
    assert canvas.value()["margin"] == [0, 0, 0, 0]


def test_pictures_come_by_paste_drop_and_file_and_only_when_meant(mounted: Callable[[str], Canvas]) -> None:
    canvas = mounted("img2img")
    page = canvas.page
    give = """async ([kind, address, target]) => {
        const blob = await (await fetch(address)).blob(), data = new DataTransfer();
        data.items.add(new File([blob], "given.png", { type: blob.type }));
        const where = document.querySelector(target);
        where.focus?.();
        where.dispatchEvent(kind === "paste" ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
            : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        await new Promise((resolve) => setTimeout(resolve, 100));
        await webui.canvas("test").loading;
        return webui.canvas("test").picture()?.width ?? null;
    }"""
    page.evaluate("() => document.body.append(Object.assign(document.createElement('textarea'), { id: 'text' }))")
    assert page.evaluate(give, ["paste", address(file_of(scene(64, 40))), "#text"]) is None
    assert page.evaluate(give, ["paste", address(file_of(scene(64, 40))), "body"]) == 64
    assert page.evaluate(give, ["drop", address(file_of(scene(72, 40))), "webui-canvas .canvas-stage"]) == 72
    with page.expect_file_chooser() as chooser:
        canvas.button("Choose a picture").click()
    chooser.value.set_files({"name": "chosen.png", "mimeType": "image/png", "buffer": file_of(scene(80, 40))})
    page.wait_for_function("() => webui.canvas('test').picture().width === 80")
    chooser.value.set_files({"name": "text.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#webui-notices")).to_contain_text("'text.png' is not a picture that can be opened.")


def test_a_turned_photograph_stands_upright_and_a_huge_one_is_brought_down_on_request(mounted: Callable[[str], Canvas]) -> None:
    canvas = mounted("img2img")
    exif = Image.Exif()
    exif[0x0112] = 6  # the top is on the right
    canvas.load(file_of(scene(96, 40), "JPEG", exif=exif), "jpeg")
    assert canvas.page.evaluate("() => webui.canvas('test').picture()") == {"width": 40, "height": 96} == canvas.source().size._asdict()
    huge = file_of(Image.new("RGB", (5000, 1000), "navy"))
    canvas.page.evaluate("(address) => void webui.canvas('test').load(address)", address(huge))
    expect(canvas.page.get_by_role("dialog")).to_contain_text(re.compile("5000 . 1000 pixels; at most 4096 a side"))
    canvas.page.get_by_role("button", name=re.compile("Scale it down to 4096 . 819")).click()
    canvas.page.wait_for_function("() => webui.canvas('test').picture().width === 4096")
    assert canvas.source().size == (4096, 819)


def test_a_reload_brings_back_picture_layers_and_margins(mounted: Callable[[str], Canvas], program: Program) -> None:
    canvas = mounted("inpaint")
    canvas.load(file_of(scene(400, 300)))
    canvas.stroke((100, 100), (300, 200))
    canvas.mode("sketch")
    canvas.stroke((50, 250), (200, 250))
    canvas.page.evaluate("() => webui.canvas('test').margin(0, 64)")
    sketch = canvas.source()
    canvas.mode("inpaint")
    mask = canvas.mask()
    canvas.page.wait_for_function("() => JSON.parse(sessionStorage.getItem('webui-canvas-test') ?? '{}').margin?.[0] === 64")
    canvas.page.reload()
    ready(canvas.page)
    canvas.page.evaluate(MOUNT, "inpaint")
    assert np.array_equal(canvas.mask(), mask)
    canvas.mode("sketch")
    assert canvas.source() == sketch


def test_wheel_and_keys_change_brush_and_view(mounted: Callable[[str], Canvas]) -> None:
    canvas = mounted("inpaint")
    canvas.load(file_of(scene()))
    page = canvas.page
    state = "() => { const { size, view } = webui.canvas('test'); return [size, view.scale, view.x, view.y] }"
    page.mouse.move(*canvas.place(300, 200))
    size, scale, x, y = page.evaluate(state)
    with_key(page, "Control", lambda: page.mouse.wheel(0, -100))
    assert page.evaluate(state) == [pytest.approx(size * 1.15, abs=1), scale, x, y]
    with_key(page, "Alt", lambda: page.mouse.wheel(0, -200))
    canvas.settle()
    assert page.evaluate(state)[1] == pytest.approx(scale * 1.15**2)
    assert canvas.point(*canvas.place(300, 200)) == (pytest.approx(300), pytest.approx(200))
    page.keyboard.press("q")
    page.keyboard.press("[")
    assert page.evaluate(state)[0] < size
    page.keyboard.down("f")
    page.mouse.move(*[value + 30 for value in canvas.place(300, 200)])
    page.keyboard.up("f")
    assert page.evaluate(state)[2] != x
    page.keyboard.press("r")
    canvas.settle()
    assert page.evaluate(state)[1:] == [scale, x, y]
    page.keyboard.press("s")
    expect(page.locator("webui-canvas")).to_have_css("position", "fixed")
    page.keyboard.press("Escape")
    expect(page.locator("webui-canvas")).to_have_css("position", "relative")


def with_key(page: Page, key: str, act: Callable[[], None]) -> None:
    page.keyboard.down(key)
    act()
    page.evaluate("() => new Promise((done) => setTimeout(done, 50))")
    page.keyboard.up(key)


def test_everything_is_reached_and_named_by_keyboard(mounted: Callable[[str], Canvas]) -> None:
    canvas = mounted("inpaint")
    canvas.load(file_of(scene(64, 64)))
    page = canvas.page
    unnamed = page.evaluate("""() => [...document.querySelectorAll("webui-canvas :is(button, input)")].filter(
        (each) => !each.textContent.trim() && !each.getAttribute("aria-label") && !each.ariaLabel).length""")
    assert unnamed == 0
    stops = "() => document.querySelectorAll('webui-canvas [role=toolbar]:first-of-type :is(button, input)[tabindex=\"0\"]').length"
    assert page.evaluate(stops) == 1
    canvas.button("Brush (B)").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(canvas.button("Fill an area (G)")).to_be_focused()
    canvas.button("Fill everything").focus()
    page.keyboard.press("Enter")
    assert canvas.mask().min() == 255


def test_fingers_draw_pinch_and_never_leave_a_stroke_behind(chromium: Browser, program: Program) -> None:
    context = chromium.new_context(base_url=program.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto("/")
    ready(page)
    page.evaluate(MOUNT, "inpaint")
    canvas = Canvas(page, program)
    canvas.load(file_of(scene()))
    client = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [dict(zip("xy", canvas.place(*point), strict=True)) for point in points]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{**place, "id": at} for at, place in enumerate(places)]})

    touch("touchStart", (200, 200))
    touch("touchMove", (300, 220))
    touch("touchEnd")
    drawn = canvas.mask()
    assert drawn[210, 250] == 255
    scale = page.evaluate("() => webui.canvas('test').view.scale")
    one, other = (canvas.place(*point) for point in ((150, 150), (350, 350)))
    for kind, spread in (("touchStart", 0), ("touchMove", 20), ("touchMove", 40)):
        points = [{"x": one[0] - spread, "y": one[1] - spread, "id": 0}, {"x": other[0] + spread, "y": other[1] + spread, "id": 1}]
        if kind == "touchStart":
            client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points[:1]})
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch("touchEnd")
    assert page.evaluate("() => webui.canvas('test').view.scale") > scale * 1.2
    assert np.array_equal(canvas.mask(), drawn)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    context.close()


def test_a_pen_draws_as_broad_as_it_is_pressed(mounted: Callable[[str], Canvas]) -> None:
    canvas = mounted("inpaint")
    canvas.load(file_of(scene()))
    canvas.page.evaluate(
        """(places) => {
            const { stage } = webui.canvas("test");
            webui.canvas("test").resizeBrushTo(80);
            const pen = { pointerId: 7, pointerType: "pen", bubbles: true, buttons: 1, button: 0 };
            const at = ([x, y], pressure) => ({ ...pen, clientX: x, clientY: y, pressure });
            const send = (kind, place, pressure) => stage.dispatchEvent(new PointerEvent(kind, at(place, pressure)));
            stage.setPointerCapture = () => {};
            send("pointerdown", places[0], 0.25);
            send("pointermove", places[1], 1);
            send("pointerup", places[1], 0);
        }""", [canvas.place(120, 256), canvas.place(380, 256)])
    mask = canvas.mask() > 0
    assert mask[:, 120].sum() < mask[:, 250].sum() < mask[:, 380].sum()
    assert abs(int(mask[:, 380].sum()) - 80) <= 2
