"""What goes wrong, in words on the page. The one place of the page where an error becomes a sentence for a person."""

import functools
import json
import logging
import secrets
from collections.abc import Callable
from typing import Any

from modules.contract.errors import WebuiError
from modules.frontend.form import Component
from modules.frontend.toolkit import gr

log = logging.getLogger(__name__)

Updates = dict[Component, Any]


class Notices:
    """A hidden text that the browser shows as a notice whenever it changes.

    Gradio's own error messages would do only through its queue: without it they end as a failed request in the browser's log.
    """

    def __init__(self) -> None:
        self.box = gr.Textbox("", elem_id="webui_notice", visible="hidden", show_label=False)
        self.box.change(None, self.box, None, js="(text) => webui.notices.take(text)", queue=False, show_progress="hidden",
                        api_visibility="private")

    def notice(self, text: str, hint: str = "") -> Updates:
        """What a handler gives back to have something said. The id makes a second one of the same words a change."""
        return {self.box: json.dumps({"id": secrets.token_hex(4), "text": text, "hint": hint})}

    def spoken(self, handler: Callable[..., Updates]) -> Callable[..., Updates]:
        """A handler whose errors are said on the page: a WebuiError as it is, a bug with an id that the log has too.

        Its event names `box` among its outputs. What else the handler would have changed stays as it is.
        """

        @functools.wraps(handler)
        def speaking(*values: Any) -> Updates:
            try:
                return handler(*values)
            except WebuiError as error:
                return self.notice(error.message, error.hint)
            except Exception:
                identifier = secrets.token_hex(2)
                log.exception("Error %s on the page", identifier)
                return self.notice(f"Something went wrong (id {identifier}).", "The log has the details.")

        return speaking
