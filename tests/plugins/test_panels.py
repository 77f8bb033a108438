"""Which extensions have a panel: those that a person can switch on for a picture."""

from modules.plugins.panels import panels
from tests.extensions.drawing import bundled


def test_what_takes_no_part_in_pictures_has_no_panel() -> None:
    names = {panel.name for panel in panels(bundled().extensions(), "txt2img", {})}
    assert {"controlnet", "detailer", "lora_block_weight", "xyz_plot"} <= names
    assert not names & {"model_presets", "tag_completion", "soft_inpainting"}


def test_an_extension_s_own_element_and_title_are_told() -> None:
    panel = next(one for one in panels(bundled().extensions(), "img2img", {}) if one.name == "detailer")
    assert (panel.title, panel.element, panel.always_on) == ("Detailer", "easel-detailer", True)
