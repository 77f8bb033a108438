"""Starts Easel: `python webui.py`. `python webui.py --help` lists the flags."""

import sys

if not (3, 10) <= sys.version_info[:2] <= (3, 13):
    sys.exit("Easel runs on Python 3.10 to 3.13, and this is %d.%d: start webui.py with one of those." % sys.version_info[:2])  # noqa: UP031

from modules.launcher import main  # after the check, for an older Python could not even read it

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
