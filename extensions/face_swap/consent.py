"""What has to be agreed to before the first face is swapped."""

from typing import Any

from modules.contract.errors import NotSupported

NOTICE = (
    "Use only faces of people who agree to it, and your own. Do not deceive with such pictures, and put nobody into one that would hurt "
    "them. Each picture says in its infotext that a face was swapped; that cannot be switched off."
)


def demand_consent(settings: Any) -> None:
    """Raise NotSupported unless the notice has been agreed to."""
    if not settings.consent:
        raise NotSupported(
            "Face swap: its notice has not been agreed to yet.",
            "Agree to it in the panel, or in Settings, Extensions, Face swap, on the machine that the program runs on. " + NOTICE,
        )
