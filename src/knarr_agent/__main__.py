"""`python -m knarr_agent`."""

from knarr_agent.cli import program

if __name__ == "__main__":
    program()
