"""Requests as nobody's client sends them, to every route: none ends in a 500, and none tells of the code."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from tests.support.cloud import Answer, Cloud
from tests.support.walking import PARAMETER, ROWS, Row, address, fitting_body, headers

METHODS = ("HEAD", "OPTIONS", "TRACE", "PROPFIND", "CONNECT", "COPY", "BREW", "get", "")
# What stands in an address in the place of an id
IDENTS = (
    "%00", "%ff%fe", "%C3%A9", "%ED%A0%80", "a%2Fb", "..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", ".", "%", "%zz",
    "a%0d%0aX-Odd:%201", "a" * 3000, "%F0%9F%9A%A2", "'%22;--", "{ident}", "null", "-1", "9" * 40, "%25", "*",
)  # fmt: skip
QUERIES = (
    "limit=1&limit=x", "limit=%00", "%ff=%ff", "name=%ED%A0%80", "=&=&;&&", "limit[]=1", "marker=%ff",
    "sort_key=%ff", "sort_key=&sort_dir=", "sort=:", "sort=,,:,", "fields=%ff&fields=", "marker=" + "m" * 3000,
    "limit=%D9%A3", "limit=99999999999999999999999999", "all_projects=maybe", "a=b" + "&a=b" * 999, "tags=,",
    "created_at=gt:x", "created_at=in:", "name=in:%22", "since=1e999&until=nan&tail=-1", "timeout=1e999",
    "fixed_ips=ip_address%3D", "ip_address=%00x", "h=1e5&w=-1", "signal=%F0%9F%9A%A2", "filters=%7B",
)  # fmt: skip
LEAKS = re.compile(rb"Traceback|File \"|sqlalchemy|sqlite3|site-packages|/src/knarr|at 0x[0-9a-f]{6}")


def check(answer: Answer, what: str) -> None:
    assert answer.status < 500, (what, answer.status, answer.body[:300])
    if answer.status >= 400:
        assert not LEAKS.search(answer.body), (what, answer.body[:300])
    for name, value in answer.headers.items():
        assert "\r" not in name + value and "\n" not in name + value, (what, name, value)


def send(cloud: Cloud, row: Row, method: str, path: str) -> Answer:
    return cloud.admin.call(method, path, fitting_body(row), headers=headers(row))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_odd_method_is_refused(cloud: Cloud, row: Row) -> None:
    for method in METHODS:
        check(send(cloud, row, method, address(row)), method)


@pytest.mark.parametrize("row", [row for row in ROWS if "{" in row.route.path], ids=str)
def test_odd_text_in_the_place_of_an_id_is_an_id_that_there_is_not(cloud: Cloud, row: Row) -> None:
    for ident in IDENTS:
        path = row.service.prefix + PARAMETER.sub(ident.replace("\\", ""), row.route.path)
        check(send(cloud, row, row.route.method, path), ident[:40])


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_odd_query_is_refused_or_ignored(cloud: Cloud, row: Row) -> None:
    base = address(row, query={})
    for query in QUERIES:
        check(_raw(cloud, row, base, query), query[:60])


@pytest.mark.parametrize("row", [row for row in ROWS if row.route.method == "GET"], ids=str)
def test_slashes_more_or_less_are_the_same_address(cloud: Cloud, row: Row) -> None:
    path = address(row, query={})
    for odd in (path + "/", path + "//", path.replace("/", "//"), path + "/.", path + "/..", path + "/%2e"):
        check(send(cloud, row, "GET", odd), odd)


def _raw(cloud: Cloud, row: Row, path: str, query: str) -> Answer:
    """With the query as it is: the support code would quote it."""
    from tests.support import cloud as support

    sent = {"X-Auth-Token": cloud.admin.token, **headers(row)}
    environ = support._environ(row.route.method, path, fitting_body(row) or b"")
    environ["QUERY_STRING"] = query
    for name, value in sent.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    received: list[object] = []
    chunks: Iterable[bytes] = cloud.runtime.wsgi(environ, lambda *head: received.extend(head))
    status, got = received[:2]
    names = {name.lower(): value for name, value in got}  # type: ignore[attr-defined]
    endless = names.get("content-type", "").startswith(support.ENDLESS)
    body = next(iter(chunks), b"") if endless else b"".join(chunks)
    close = getattr(chunks, "close", None)
    if close:
        close()
    return Answer(int(str(status)[:3]), names, body)
