"""Colours, sizes and fonts of the page: neutral greys, one accent, fonts that the computer has."""

from modules.frontend.toolkit import Default, ThemeClass

FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Helvetica Neue", "Arial", "sans-serif"]
MONOSPACED = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace"]


def theme() -> ThemeClass:
    """A1111's dense look without its gradients. Text keeps a contrast of at least 4.5 to what it stands on."""
    base = Default(
        primary_hue="orange", secondary_hue="orange", neutral_hue="zinc", spacing_size="sm", radius_size="sm", text_size="sm",
        font=FONTS, font_mono=MONOSPACED)
    return base.set(
        body_background_fill="*neutral_50", body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_800", body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="white", background_fill_primary_dark="*neutral_900",
        border_color_primary="*neutral_300", border_color_primary_dark="*neutral_700",
        color_accent="*primary_700", color_accent_soft="*primary_50", color_accent_soft_dark="*neutral_800",
        block_background_fill="transparent", block_background_fill_dark="transparent",
        block_border_width="0px", block_border_width_dark="0px", block_shadow="none", block_shadow_dark="none", block_padding="0px",
        block_title_text_color="*neutral_600", block_title_text_color_dark="*neutral_400", block_title_text_weight="400",
        block_info_text_color="*neutral_600", block_info_text_color_dark="*neutral_400",
        form_gap_width="0px", layout_gap="10px", panel_border_width="0px",
        input_background_fill="white", input_background_fill_dark="*neutral_900",
        input_border_color="*neutral_300", input_border_color_dark="*neutral_700",
        input_border_color_focus="*primary_700", input_border_color_focus_dark="*primary_400",
        input_placeholder_color="*neutral_500", input_placeholder_color_dark="*neutral_400",
        input_shadow="none", input_shadow_focus="none", input_shadow_focus_dark="none",
        slider_color="*primary_700", slider_color_dark="*primary_400",
        button_primary_background_fill="*primary_700", button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_400", button_primary_background_fill_hover_dark="*primary_300",
        button_primary_text_color="white", button_primary_text_color_dark="*neutral_950",
        button_secondary_background_fill="*neutral_200", button_secondary_background_fill_hover="*neutral_300",
        button_secondary_background_fill_dark="*neutral_800", button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_text_color="*neutral_800", button_secondary_text_color_dark="*neutral_100",
        button_transition="none", button_large_text_weight="600", button_large_radius="*radius_sm", button_large_padding="8px 12px")
