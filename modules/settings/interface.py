"""The settings of the page itself, one class for each page of the Settings tab. What a job makes does not depend on them."""

from typing import Literal

from modules.contract.declare import Choice, Color, ModelChoice, Options, Slider, Text, Toggle, declared

Modifier = Literal["Shift", "Ctrl", "Alt"]
Sidebar = Literal["Off", "Floating", "Fixed"]
AtStart = Literal["As it was left", "Opened", "Closed"]
AT_START = "How it was left and how wide it is, each browser remembers."
ACCENT = "#c2410c"  # orange, as the theme has it


class Interface(Options):
    """User interface"""

    quicksettings: tuple[str, ...] = declared(
        ("sd_model_checkpoint", "sd_vae", "CLIP_stop_at_last_layers"),
        "Quicksettings list",
        control="names",
        key="quicksettings_list",
        help="Settings that stand in the row above the tabs. Alt and an arrow move the one that has the focus.",
    )
    tab_order: tuple[str, ...] = declared(
        (), "Order of the tabs", control="names", key="ui_tab_order", help="These come first; the others follow in their usual order."
    )
    hidden_tabs: tuple[str, ...] = declared((), "Hidden tabs", control="names", key="hidden_tabs")
    title_progress: bool = Toggle(True, "Show progress in the window's title", key="show_progress_in_title")
    stay_awake: bool = Toggle(True, "Keep the screen on while pictures are made", key="prevent_screen_sleep_during_generation")
    send_seed: bool = Toggle(
        True, "Send the seed with a picture or prompt", key="send_seed", help="When a picture or its settings go to another tab."
    )
    send_size: bool = Toggle(
        True, "Send the size with a picture or prompt", key="send_size", help="When a picture or its settings go to another tab."
    )
    finish_picture: bool = Toggle(
        True,
        "Interrupt only between pictures",
        key="interrupt_after_current",
        help="The first click on Interrupt lets the picture that is being made become ready; the second stops at once.",
    )
    confirm: bool = Toggle(
        False,
        "Ask before the page is left",
        key="confirm_unload",
        help="While pictures are made, or a prompt was typed and not sent. Nothing is lost without it either: jobs go on, and a page that "
        "is opened again finds them and what was in the fields.",
    )


class Appearance(Options):
    """Language and looks"""

    localization: str = ModelChoice(
        "localization", "Language", default="None", key="localization", help="None is English. The page is to be loaded again."
    )
    bilingual: bool = Toggle(
        False,
        "Show English beside the language",
        key="localization_bilingual",
        help="Labels show both, for those who follow English guides.",
    )
    theme: Literal["browser", "light", "dark", "midnight", "paper"] = Choice(
        "browser",
        "Theme",
        key="gradio_theme",
        help="browser follows the system's light or dark; the button on top changes it for one browser.",
    )
    greys: Literal["Neutral", "Warm", "Cool", "Green", "Violet"] = Choice(
        "Neutral", "Tint of the greys", key="page_greys", help="In the themes light and dark."
    )
    accent: str = Color(ACCENT, "Accent colour", key="accent_color", help="Of sliders, marks and the Generate button.")
    compact_prompts: bool = Toggle(
        False,
        "Compact prompt layout",
        key="compact_prompt_box",
        help="The negative prompt stands beside the prompt, and the buttons below both.",
    )
    hires_sampler: bool = Toggle(False, "Hires. fix: show its own checkpoint and sampler", key="hires_fix_show_sampler")
    hires_prompts: bool = Toggle(False, "Hires. fix: show its own prompts", key="hires_fix_show_prompts")
    editor_height: int = Slider(
        720, 80, 1600, "Height of the picture editor", key="img2img_editor_height", help="In pixels, in img2img and inpaint."
    )
    models_sidebar: Sidebar = Choice(
        "Floating",
        "Sidebar with models",
        key="sidebar_models",
        help="Opened by a button at the right edge of txt2img and img2img. Floating lies over the page, Fixed makes room beside it. Not "
        "on phones.",
    )
    models_at_start: AtStart = Choice(
        "As it was left", "Sidebar with models, when the page is loaded", key="sidebar_models_start", help=AT_START
    )
    prompt_sidebar: Sidebar = Choice(
        "Off",
        "Sidebar with settings and prompt",
        key="sidebar_prompt",
        help="At the left edge: the quicksettings, and the parts of the prompt as a list in which they are moved, weighted and removed.",
    )
    prompt_at_start: AtStart = Choice(
        "As it was left", "Sidebar with settings and prompt, when the page is loaded", key="sidebar_prompt_start", help=AT_START
    )
    less_movement: bool = Toggle(False, "Less movement", key="less_movement", help="Nothing on the page slides or fades.")
    no_footer: bool = Toggle(False, "Hide the footer", key="hide_footer")
    title: str = Text("", "Title of the page", key="page_title", help="In the browser's tab. Empty: Easel.")
    title_shown: bool = Toggle(False, "Show the title on the page too", key="page_title_shown", help="In the row on top. Not on phones.")
    logo: Literal["None", "Easel", "Own picture"] = Choice(
        "None", "Logo", key="page_logo", help="In the row on top. A picture of your own also stands in the browser's tab."
    )


class Gallery(Options):
    """Gallery"""

    lightbox: bool = Toggle(
        True, "Show a picture in the whole window when it is clicked", key="js_modal_lightbox", help="Arrows walk through the pictures."
    )
    lightbox_zoomed: bool = Toggle(
        True,
        "Begin zoomed in there",
        key="js_modal_lightbox_initially_zoomed",
        help="The picture fills the window. Off: one pixel of the picture is at most one of the screen.",
    )
    height: str = Text(
        "", "Height of the gallery", key="gallery_height", help="A length such as 600px or 60vh; empty fits it to the window."
    )
    beside: bool = Toggle(
        False,
        "Split view",
        key="split_preview",
        help="The pictures stand beside the prompts too, as high as the window, and stay there while the form scrolls; what is under "
        "them scrolls by itself. Not on phones.",
    )


class PromptEditing(Options):
    """Prompt editing"""

    attention_step: float = Slider(
        0.1, 0.01, 0.2, "Step of (words:1.1) with Ctrl and an arrow", step=0.001, key="keyedit_precision_attention"
    )
    network_step: float = Slider(
        0.05, 0.01, 0.2, "Step of <lora:name:0.9> with Ctrl and an arrow", step=0.001, key="keyedit_precision_extra"
    )
    delimiters: str = Text(
        ".,\\/!?%^*;:{}=`~() ",
        "Signs that end a word",
        key="keyedit_delimiters",
        help="With nothing selected, Ctrl and an arrow act on the word at the cursor, which reaches to one of these signs.",
    )
    blanks: tuple[Literal["Tab", "Carriage Return", "Line Feed"], ...] = declared(
        ("Tab", "Carriage Return", "Line Feed"), "Blanks that end a word", control="choices", key="keyedit_delimiters_whitespace"
    )
    move: bool = Toggle(True, "Alt and an arrow left or right move the part at the cursor", key="keyedit_move")
    no_counters: bool = Toggle(False, "Do not count tokens", key="disable_token_counters")
    long: Literal["Grow", "Scroll"] = Choice(
        "Grow", "Boxes of long prompts", key="prompt_box", help="Grow: up to 12 lines, which then scroll. Scroll: it keeps its height."
    )
    marked: bool = Toggle(
        False,
        "Mark what is special in a prompt",
        key="prompt_highlight",
        help="Weights, networks, wildcards and comments in colours of their own; a bracket without its partner is underlined.",
    )


class Canvas(Options):
    """Canvas hotkeys"""

    zoom: Modifier = Choice("Alt", "Zoom with the wheel and", key="canvas_hotkey_zoom")
    brush: Modifier = Choice("Ctrl", "Change the brush's size with the wheel and", key="canvas_hotkey_adjust")
    shrink: str = Text("Q", "Smaller brush", key="canvas_hotkey_shrink_brush")
    grow: str = Text("W", "Larger brush", key="canvas_hotkey_grow_brush")
    pan: str = Text("F", "Move the picture while it is held", key="canvas_hotkey_move")
    whole_screen: str = Text("S", "Whole screen", key="canvas_hotkey_fullscreen")
    reset: str = Text("R", "Fit the picture into its place again", key="canvas_hotkey_reset")
    overlap: str = Text("O", "Let the picture reach over the page", key="canvas_hotkey_overlap")


class Notifications(Options):
    """Notifications"""

    sound: bool = Toggle(
        True, "Play a sound when pictures are ready", key="notification_audio", help="Only while the page is not in front of you."
    )
    volume: int = Slider(100, 0, 100, "Its volume", key="notification_volume", help="In percent.")
    browser: bool = Toggle(
        False,
        "Show a notification of the browser",
        key="notification_browser",
        help="Only while the page is not in front of you. The browser has to allow it, which the page Actions asks for.",
    )


class Pasting(Options):
    """Reading infotexts"""

    styles: Literal["Ignore", "Apply", "Discard", "Apply if any"] = Choice(
        "Apply if any",
        "Styles that a read prompt contains",
        key="infotext_styles",
        help="Ignore leaves the prompt as it is. Apply moves the styles found from the prompt into the list of styles, and empties the "
        "list where none is found; Apply if any does not empty it. Discard only takes them out of the prompt.",
    )
    skip: tuple[str, ...] = declared(
        (), "Fields that are not read", control="names", key="infotext_skip_pasting", help="Names as in an infotext, such as Seed."
    )
    no_checkpoint: bool = Toggle(True, "Do not change the checkpoint when an infotext is read", key="disable_weights_auto_swap")


class Training(Options):
    """Training"""

    while_generating: Literal["Automatic", "Pause the training", "Beside it"] = Choice(
        "Automatic",
        "Pictures that are made while a training runs",
        key="training_while_generating",
        help="Pausing writes the training's state and gives it the device back when nothing was made for a while. Automatic: on a "
        "graphics card it pauses, on a processor both go on.",
    )
    patience: float = Slider(
        20, 0, 600, "Seconds without a job after which a paused training goes on", key="training_patience", step=5
    )
    remote: bool = Toggle(
        False,
        "Let other machines train",
        key="training_remote",
        local=True,
        help="This machine always may, and so may whoever has logged in. Others may only train on datasets that are known to the page.",
    )


class Downloads(Options):
    """Downloads"""

    hugging_face: str = Text(
        "https://huggingface.co", "Address of Hugging Face", key="downloads_hugging_face", local=True, help="Or of a mirror of it."
    )
    civitai: str = Text("https://civitai.com", "Address of Civitai", key="downloads_civitai", local=True, help="Or of a mirror of it.")
    mature: bool = Toggle(False, "Show models and preview pictures that are rated mature", key="downloads_mature")
    companions: bool = Toggle(True, "Write a model's preview picture, description and trigger words beside it", key="downloads_companions")
    largest: float = declared(64.0, "Largest file that is downloaded, in GB", control="number", key="downloads_largest", ge=0)
    remote: bool = Toggle(
        False,
        "Let other machines download, move and delete models",
        key="downloads_remote",
        local=True,
        help="This machine always may, and so may whoever has logged in.",
    )
