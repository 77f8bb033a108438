"""What img2img begins with and ends with: source pictures at their working size, masks, and the originals laid back over the results."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from modules.contract.errors import BadRequest
from modules.contract.request import Inpaint, Size
from modules.imaging.masks import Box, blurred, crop_around, doubled, expanded, fill, mask_from, without
from modules.imaging.opening import open_image
from modules.imaging.resize import ResizeMode, Upscale, resampled, resize_image

BLANK_MASK = "The mask is blank, so nothing could be picked out to paint; the whole picture was changed instead."


@dataclass(frozen=True)
class Prepared:
    """Source pictures and masks, ready for a batch. All masks are mode L, white = painted anew.

    Without a mask `mask`, `picture_mask` and `overlay_mask` are None and `overlays` is empty.
    """

    pictures: tuple[Image.Image, ...]  # RGB, at the working size; at their own for "latent upscale"
    mask: Image.Image | None = None  # what the latents' mask is made of
    picture_mask: Image.Image | None = None  # the mask over `pictures`, without a `latent_mask`; for inpainting models
    overlays: tuple[Image.Image, ...] = ()  # RGBA: each original, the mask cut out of it
    originals: tuple[Image.Image, ...] = ()  # RGB: the same without the cut
    overlay_mask: Image.Image | None = None  # what was cut out of them
    paste_to: Box | None = None  # where a result belongs in its original; None: all of it
    notes: dict[str, object] = field(default_factory=dict[str, object])  # pairs for the infotext, in A1111's order
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Masks:
    """A mask, as the several steps want it; see `Prepared`."""

    picture: Image.Image | None
    overlay: Image.Image | None
    region: Box | None = None


def prepare(
    source: Sequence[Image.Image],
    inpaint: Inpaint | None,
    resize: ResizeMode,
    size: Size,
    *,
    background: str,
    upscale: Upscale | None = None,
    latent_mask: Image.Image | None = None,
) -> Prepared:
    """Source pictures brought to `size`, with the masks over them.

    `background` is the colour (#rrggbb) under transparent parts; `upscale` enlarges, None is Lanczos. With `only_masked` the
    mask's surroundings are cut out and worked on at `size`. `latent_mask` takes the mask's place in latent space alone.
    Raises BadRequest for a mask that cannot be opened.
    """
    notes: dict[str, object] = {}
    warnings: list[str] = []
    masks = Masks(None, None)
    if inpaint is not None:
        masks = masks_for(inpaint, resize, size, notes)
        if inpaint.only_masked and masks.picture is None:
            warnings.append(BLANK_MASK)
    seen = latent_mask.convert("L") if latent_mask is not None else masks.picture
    pictures: list[Image.Image] = []
    originals: list[Image.Image] = []
    overlays: list[Image.Image] = []
    overlay_mask = masks.overlay
    for original in source:
        picture = flattened(original, background)
        if masks.region is None:
            picture = resize_image(resize, picture, size, upscale=upscale)
        if overlay_mask is not None:
            if overlay_mask.size != picture.size:
                overlay_mask = resize_mask(resize, overlay_mask, Size(*picture.size))
            originals.append(picture)
            overlays.append(without(picture, overlay_mask).convert("RGBA"))
        if masks.region is not None:
            picture = resize_image("resize and fill", picture.crop(masks.region), size, upscale=upscale)
        if inpaint is not None and masks.picture is not None and inpaint.content != "original":
            assert seen is not None
            picture = fill(picture, seen if seen.size == picture.size else resampled(seen, picture.size))
            notes["Masked content"] = inpaint.content
        pictures.append(picture)
    return Prepared(
        tuple(pictures), seen, masks.picture, tuple(overlays), tuple(originals), overlay_mask, masks.region, notes, tuple(warnings)
    )


def masks_for(inpaint: Inpaint, resize: ResizeMode, size: Size, notes: dict[str, object]) -> Masks:
    """A request's mask: opened, turned over, blurred, and at the working size. Adds its pairs to `notes`."""
    mask = mask_from(open_image(inpaint.mask, name="The mask"), rounded=inpaint.rounded)
    if inpaint.invert:
        mask = mask.point([255 - value for value in range(256)])
        notes["Mask mode"] = "Inpaint not masked"
    across, down = inpaint.blur
    mask = blurred(mask, across, down)
    if across == down and across > 0:
        notes["Mask blur"] = int(across) if across == int(across) else across
    if not inpaint.only_masked:
        mask = resize_mask(resize, mask, size)
        return Masks(mask, doubled(mask))
    region = crop_around(mask, inpaint.padding)
    if region is None:
        return Masks(None, None)
    region = expanded(region, size, Size(*mask.size))
    notes["Inpaint area"] = "Only masked"
    notes["Masked area padding"] = inpaint.padding
    return Masks(resize_mask("resize and fill", mask.crop(region), size), mask, region)


def resize_mask(resize: ResizeMode, mask: Image.Image, size: Size) -> Image.Image:
    """A mask at another size; always by pixels, also where the picture is enlarged as latents."""
    return resize_image("resize and fill" if resize == "latent upscale" else resize, mask, size).convert("L")


def flattened(image: Image.Image, background: str) -> Image.Image:
    """A picture as RGB, what is transparent in it laid over a colour (#rrggbb). Raises BadRequest for what is no colour."""
    if image.mode in ("LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode != "RGBA":
        return image.convert("RGB")
    try:
        behind = Image.new("RGBA", image.size, background)
    except ValueError:
        raise BadRequest(f"The background colour is '{background}'; it must be a colour such as #ffffff.") from None
    behind.paste(image, mask=image)
    return behind.convert("RGB")


def composite(image: Image.Image, prepared: Prepared, index: int) -> tuple[Image.Image, Image.Image]:
    """A result with its original laid over it outside the mask, and the same without the original, both where they belong.

    Where the mask is black the original comes back byte for byte (at the working size, or at its own with `only_masked`).
    One overlay serves all pictures of a batch. Without a mask both are the result itself.
    """
    if not prepared.overlays:
        return image, image
    overlay = prepared.overlays[index % len(prepared.overlays)]
    if prepared.paste_to is not None:
        image = pasted(image, prepared.paste_to, Size(*overlay.size))
    finished = image.convert("RGBA")
    finished.alpha_composite(overlay)
    return finished.convert("RGB"), image


def pasted(image: Image.Image, box: Box, size: Size) -> Image.Image:
    """A picture at its place in an otherwise transparent one (RGBA) of this size."""
    whole = Image.new("RGBA", size)
    whole.paste(resize_image("crop and resize", image, box.size), box[:2])
    return whole


def mask_picture(prepared: Prepared) -> Image.Image | None:
    """The mask as a picture of its own (RGB), for those who want it returned; None without one."""
    return prepared.overlay_mask.convert("RGB") if prepared.overlay_mask is not None else None


def mask_composite(before: Image.Image, prepared: Prepared) -> Image.Image | None:
    """What was painted, alone on transparency (RGBA). `before` is the second picture that `composite` gave. None without a mask."""
    if prepared.overlay_mask is None:
        return None
    mask = resize_mask("resize and fill", prepared.overlay_mask, Size(*before.size))
    painted = before.convert("RGBA").convert("RGBa")
    return Image.composite(painted, Image.new("RGBa", before.size), mask).convert("RGBA")
