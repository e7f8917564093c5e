"""Every route, asked without a token, with the wrong method, and with bodies that make no sense."""

import json
import re
import threading

import pytest

from knarr.core.identity.routes import ROUTES

from .helpers import PASSWORD, fitting_body, route_name, unique

IDS = re.compile(r"\{\w+\}")
PROTECTED = [route for route in ROUTES if route.policy is not None]
WITH_BODY = [route for route in ROUTES if route.body is not None]
PUBLIC = {
    ("GET", "/"),
    ("GET", "/v3"),
    ("POST", "/v3/auth/tokens"),
    ("POST", "/v3/users/{user_id}/password"),
}


def path(route):
    return IDS.sub("0" * 32, route.path)


def check_error(answer, status):
    assert answer.status == status, answer.body
    assert set(answer.body) == {"error"}
    assert set(answer.body["error"]) == {"code", "title", "message"}
    assert answer.body["error"]["code"] == status
    assert answer.headers["x-openstack-request-id"].startswith("req-")


def test_only_these_routes_are_public():
    assert {(route.method, route.path) for route in ROUTES if route.policy is None} == PUBLIC


@pytest.mark.parametrize("route", PROTECTED, ids=route_name)
def test_without_a_valid_token_nothing_is_answered(api, route):
    for token in (None, "nonsense", "gAAAAABnonsense"):
        answer = api.call(route.method, path(route), {} if route.body else None, token=token)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Keystone uri=")
        if route.method != "HEAD":
            check_error(answer, 401)


# What every user may do: see the catalogue's regions, and what its own token opens.
FOR_ALL = {"identity:list_regions", "identity:get_region", "identity:get_auth_catalog"}
FOR_ALL |= {f"identity:get_auth_{what}" for what in ("projects", "domains", "system")}
FOR_ALL |= {"identity:list_registered_limits", "identity:get_registered_limit", "identity:get_limit_model"}
FOR_ALL |= {"identity:list_limits"}
# Lists in which everybody finds what is their own.
OWN_LISTS = {"GET /v3/credentials"}
CLOSED = [route for route in PROTECTED if route.policy not in FOR_ALL and route_name(route) not in OWN_LISTS]


@pytest.mark.parametrize("route", CLOSED, ids=route_name)
def test_a_reader_gets_nothing_of_others(api, reader, route):
    body = fitting_body(route)
    answer = api.call(route.method, path(route), body, token=reader.token, x_subject_token=api.admin)
    assert answer.status == 403, (answer.status, answer.body)


@pytest.fixture(scope="module")
def reader(api):
    return api.person("reader")


@pytest.mark.parametrize("route", WITH_BODY, ids=route_name)
class TestBodies:
    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'"x"', b"null", b"\xff\xfe", b"[" * 100_000])
    def test_broken_ones(self, api, route, body):
        check_error(api.call(route.method, path(route), body), 400)

    def test_another_content_type(self, api, route):
        check_error(api.call(route.method, path(route), {}, content_type="text/plain"), 415)

    def test_a_body_past_the_limit(self, api, route):
        check_error(api.call(route.method, path(route), b" " * (1024 * 1024 + 1)), 413)


@pytest.mark.parametrize("address", ["/v3/nothing", "/v2.0/tokens", "/v3/users/x/y/z", "/v3/auth"])
def test_there_is_no_such_resource(api, address):
    check_error(api.get(address), 404)


def test_the_wrong_method_names_the_right_ones(api):
    answer = api.put("/v3/users", {})
    check_error(answer, 405)
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("kind", ["user", "group", "project", "domain", "role"])
def test_odd_names_are_kept_as_they_are(api, kind):
    for odd in ("ünïcødé", "a/b", "it's; DROP TABLE x", "%_", "<b>", "𝄞", "tab\there"):
        made = api.make(kind, name=unique(odd))
        assert made["name"].startswith(odd)
        assert api.get(f"/v3/{kind}s/{made['id']}").body[kind]["name"] == made["name"]


@pytest.mark.parametrize("ident", ["%00", "%ff", "..", "%2e%2e%2fusers", "'", "x" * 5000, "%F0%9F%92%A9"])
def test_odd_ids_are_not_found(api, ident):
    answer = api.get(f"/v3/users/{ident}")
    assert answer.status in (400, 404)
    assert "error" in answer.body


def test_of_many_with_one_name_at_the_same_time_one_is_made(api):
    body, answers = {"user": {"name": unique("twin"), "password": PASSWORD}}, []
    barrier = threading.Barrier(8)

    def create():
        barrier.wait()
        answers.append(api.post("/v3/users", body).status)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] + [409] * 7


def test_the_openapi_document_knows_every_route(api):
    document = api.get("/openapi.json", token=None)
    assert document.status == 200
    text = json.dumps(document.body)
    assert all(IDS.sub("", route.path).split("/")[-1] in text for route in ROUTES)
