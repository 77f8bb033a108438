"""The API over pretended parts as a program of its own: `python -m tests.a1111.served FOLDER` says its port and serves until ended."""

import sys
from pathlib import Path

import uvicorn

from modules.server.security import secure
from tests.a1111.pretended import Site
from tests.server.served import listening

if __name__ == "__main__":
    site = Site(Path(sys.argv[1]), limit=64, seconds=0.005)
    site.queue.start()
    listener = listening()
    port: int = listener.getsockname()[1]
    print(port, flush=True)
    uvicorn.Server(uvicorn.Config(secure(site.app, port=port), log_level="warning")).run([listener])
