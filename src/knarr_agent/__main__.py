"""`python -m knarr_agent`."""

import sys

from knarr_agent.cli import main

if __name__ == "__main__":
    sys.exit(main())
