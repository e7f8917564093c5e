"""`knarr status`: whether Knarr runs here and is healthy."""

from __future__ import annotations

import argparse
from http.client import HTTPConnection, HTTPException
from typing import Any

from knarr.cli import output, process, settings

NOT_RUNNING = 3  # as systemctl and init scripts say it


def add(subparsers: Any, common: argparse.ArgumentParser) -> None:
    made = subparsers.add_parser(
        "status", parents=[common], help="whether Knarr runs and is healthy (exit status 0, 1 or 3)"
    )
    made.add_argument("--listen", metavar="ADDRESS:PORT", help="where it listens, if not as configured")
    made.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    conf = settings.load(args)
    state_dir = settings.state_dir(conf)
    pid = process.running(state_dir)
    if pid is None:
        print(f"Knarr does not run on {state_dir}")
        return NOT_RUNNING
    listen = args.listen or process.listens(state_dir) or conf.listen
    conf.set_override("listen", listen)
    conf.set_override("insecure_listen", True)
    status, report = health(*settings.address(conf))
    rows = [("process", "good", f"pid {pid}"), ("address", "good" if status else "bad", f"http://{listen}")]
    for name, check in report.get("checks", {}).items():
        rows.append((name, "good" if check["ok"] else "bad", check["error"] or f"{check['seconds']:.4f} s"))
    output.table(("what", "state", "detail"), rows)
    return 0 if status == 200 else 1


def health(host: str, port: int) -> tuple[int | None, dict[str, Any]]:
    """The status and body of /healthcheck; None if nothing answers."""
    import json

    connection = HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", "/healthcheck")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, HTTPException, ValueError):
        return None, {}
    finally:
        connection.close()
