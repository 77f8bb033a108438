"""Which names a person's pattern matches. A pattern can be written so that matching takes for ever, so it gets a process and a time.

The file is also that process: it reads {"pattern", "names"} as JSON and answers with a list of true and false.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence

SECONDS = 10.0


def matching(names: Sequence[str], pattern: str) -> set[str]:
    """The names that contain a match of a regular expression. Raises BadRequest for a pattern that is none, or takes too long."""
    from modules.contract.errors import BadRequest  # not needed, and not found, where this file runs alone

    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadRequest(f"'{pattern}' is not a pattern: {error}.", r"An example: ^model_ema\.|first_stage_model") from None
    try:
        answer = subprocess.run(
            [sys.executable, "-I", __file__],
            input=json.dumps({"pattern": pattern, "names": list(names)}),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise BadRequest(f"The pattern '{pattern}' takes too long to match.", "Repeat no group that repeats something itself.") from None
    return {name for name, match in zip(names, json.loads(answer.stdout), strict=True) if match}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    search = re.compile(asked["pattern"]).search
    print(json.dumps([search(name) is not None for name in asked["names"]]))
