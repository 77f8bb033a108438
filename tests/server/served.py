"""The site as a program of its own: `python -m tests.server.served FOLDER` says its port and serves until it is ended."""

import socket
import sys
from pathlib import Path

import uvicorn

from modules.server.security import secure
from tests.server.site import Site


def listening() -> socket.socket:
    """A free port of this machine. Named as TCP, or asyncio leaves Nagle's algorithm on, and each answer takes 40 ms longer."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(256)
    return listener


if __name__ == "__main__":
    site = Site(Path(sys.argv[1]), seconds=0.0, limit=32)
    site.queue.start()
    listener = listening()
    port: int = listener.getsockname()[1]
    print(port, flush=True)
    uvicorn.Server(uvicorn.Config(secure(site.app, port=port), log_level="warning")).run([listener])
