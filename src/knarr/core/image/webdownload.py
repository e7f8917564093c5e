"""Downloads of images from the web: only from the hosts that the operator allows, wherever redirects lead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from knarr.kernel.errors import BadRequest

REDIRECTS = 5
TIMEOUT = (10, 60)  # seconds to connect, seconds without a byte
LONGEST = 2048

# Strict, so that what is checked here is what the client connects to: no user, no escapes before the path.
_ADDRESS = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?:[/?][!-~]*)?\Z"
)
_PORTS = {"http": 80, "https": 443}


class DownloadFailed(Exception):  # noqa: N818  reads as what happened
    """The download did not work this time; another try may."""


@dataclass(frozen=True)
class Allowed:
    """Where images may come from."""

    hosts: frozenset[str]
    schemes: tuple[str, ...]
    ports: tuple[int, ...]

    def check(self, uri: str, field: str = "uri") -> None:
        """Raise BadRequest by the name of the field unless images may be imported from this address."""
        wrong = f"Invalid value for '{field}':"
        found = _ADDRESS.match(uri) if len(uri) <= LONGEST else None
        if found is None:
            raise BadRequest(f"{wrong} {uri[:128]!r} is no address like https://host/path.")
        scheme, host = found["scheme"], found["host"].strip("[]").lower()
        port = int(found["port"] or _PORTS.get(scheme, 0))
        for what, value, known in (
            ("scheme", scheme, self.schemes),
            ("host", host, self.hosts),
            ("port", port, self.ports),
        ):
            if value not in known:
                raise BadRequest(f"{wrong} the {what} {value} is not allowed for imports.")


def allowed(conf: Any) -> Allowed:
    options = conf.image
    hosts = frozenset(host.strip("[]").lower() for host in options.web_download_hosts)
    return Allowed(hosts, tuple(options.web_download_schemes), tuple(options.web_download_ports))


class Download:
    """The body of an answer; `size` is None where the server does not tell it."""

    def __init__(self, answer: Any) -> None:
        length = answer.headers.get("Content-Length", "")
        self.size = int(length) if length.isdecimal() and len(length) < 19 else None
        self._raw = answer.raw

    def read(self, size: int, /) -> bytes:
        """Raises DownloadFailed if the connection ends before its time."""
        from urllib3.exceptions import HTTPError

        try:
            data: bytes = self._raw.read(size)
        except (HTTPError, OSError) as error:
            raise DownloadFailed(f"The download was interrupted: {error}.") from None
        return data


@contextmanager
def opened(uri: str, rules: Allowed) -> Iterator[Download]:
    """The data at the address. Raises BadRequest if it, or what it redirects to, is not allowed or not there,
    and DownloadFailed for what may work another time."""
    import requests

    with requests.Session() as session:
        # Neither proxies nor passwords of the environment are for addresses that users choose.
        session.trust_env = False
        for _ in range(REDIRECTS + 1):
            rules.check(uri)
            with _get(session, uri) as answer:
                if answer.is_redirect:
                    uri = urljoin(uri, answer.headers["Location"])
                    continue
                _check_status(uri, answer.status_code)
                yield Download(answer)
                return
    raise BadRequest(f"The download was redirected more than {REDIRECTS} times.")


def _get(session: Any, uri: str) -> Any:
    import requests

    try:
        headers = {"Accept-Encoding": "identity"}
        return session.get(uri, stream=True, allow_redirects=False, timeout=TIMEOUT, headers=headers)
    except requests.RequestException as error:
        raise DownloadFailed(f"{uri} cannot be reached: {error}.") from None


def _check_status(uri: str, status: int) -> None:
    if status >= 500:
        raise DownloadFailed(f"{uri} answered {status}.")
    if status != 200:
        raise BadRequest(f"{uri} answered {status} instead of data.")
