"""Which addresses extensions may come from, and what stands at one."""

import http.client
import ipaddress
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import url2pathname

from modules.contract.errors import BadRequest, Unavailable
from modules.plugins.examine import MOST_BYTES

SECONDS = 120.0
SILENCE = 20.0
PUBLIC = re.compile(r"https://[A-Za-z0-9.-]+(:\d{1,5})?/[\w./~%+-]+")
LONGEST = 500


def checked(url: str, *, local: bool) -> str:
    """The address, without blanks around it. `local` also allows what lies on this machine: file:// and http:// to itself.

    Raises BadRequest.
    """
    url = url.strip()
    if len(url) > LONGEST or not url.isascii() or not url.isprintable():
        raise BadRequest("The address is too long, or has letters that addresses do not have.")
    if PUBLIC.fullmatch(url) or (local and is_local(urlsplit(url)) and re.fullmatch(r"[\w:/.~%+?=&\[\]-]+", url)):
        return url
    raise BadRequest(f"'{url}' is not an address that extensions come from.", "It begins with https:// and has no name or password in it.")


def is_local(parts: SplitResult) -> bool:
    """Whether an address names this machine."""
    if parts.scheme == "file":
        return not parts.netloc
    try:
        return parts.scheme in ("http", "https") and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.scheme in ("http", "https") and parts.hostname == "localhost"


class Checked(urllib.request.HTTPRedirectHandler):
    """Follows an address only to others that are allowed."""

    def __init__(self, local: bool) -> None:
        self.local = local

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """The next request. Raises BadRequest."""
        if not (newurl.startswith("https://") or (self.local and is_local(urlsplit(newurl)))):
            raise BadRequest(f"The address leads on to one that is not https: {newurl[:100]}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetched(url: str, *, local: bool, most: int = MOST_BYTES, seconds: float = SECONDS) -> bytes:
    """What stands at an address. Raises BadRequest for what is too large or not there, Unavailable without a network."""
    parts = urlsplit(checked(url, local=local))
    if parts.scheme == "file":
        try:
            return Path(url2pathname(parts.path)).read_bytes()
        except OSError as error:
            raise BadRequest(f"{url} cannot be read ({error.strerror}).") from None
    opener = urllib.request.build_opener(Checked(local))
    end = time.monotonic() + seconds
    try:
        with opener.open(urllib.request.Request(url, headers={"User-Agent": "Easel"}), timeout=SILENCE) as answer:
            found = bytearray()
            while chunk := answer.read(2**18):
                found += chunk
                if len(found) > most:
                    raise BadRequest(f"What stands at {url} is larger than {most // 2**20} MB.")
                if time.monotonic() > end:
                    raise Unavailable(f"{parts.hostname} took longer than {seconds:g} seconds.")
            return bytes(found)
    except urllib.error.HTTPError as error:
        raise BadRequest(f"{parts.hostname} answered {error.code} for {parts.path}.", "Is the address right?") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise Unavailable(f"{parts.hostname} cannot be reached ({reason}).", "Is this machine connected to the internet?") from None
