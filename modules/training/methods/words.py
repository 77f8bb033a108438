"""The word that calls an embedding."""

from modules.contract.errors import BadRequest
from modules.families import clip_tokens


def check_name(name: str) -> None:
    """Raise BadRequest for an embedding's name that no prompt could call, or that every prompt with a usual word would."""
    tokens = clip_tokens.encode(name)
    if not tokens:
        raise BadRequest(f"The embedding is called '{name}', which no prompt can say.", "Give it a name of letters or digits.")
    if len(tokens) == 1 and len(name) > 1 and name.isalpha():
        raise BadRequest(
            f"'{name}' is a word that the model knows; every prompt with it would call the embedding.", f"Call it '{name}-x' or the like."
        )
