"""Application credentials that may ask for some routes only."""

import pytest

from .test_delegation import credential, enter, subject

LIST_REGIONS = {"service": "identity", "method": "GET", "path": "/v3/regions"}
SHOW_USER = {"service": "identity", "method": "GET", "path": "/v3/users/{user_id}"}
# What a service says that holds tokens to their rules
SUPPORT = {"openstack_identity_access_rules": "1.0"}


def confined(api, person, *rules):
    answer = credential(api, person, access_rules=list(rules))
    assert answer.status == 201, answer.body
    return answer.body["application_credential"]


def token_of(api, person, *rules):
    made = confined(api, person, *rules)
    return subject(enter(api, made["id"], made["secret"]))


def listed(api, person, query=""):
    return api.get(f"/v3/users/{person.id}/access_rules{query}", token=person.token).body["access_rules"]


class TestTokens:
    def test_ask_for_what_a_rule_names_and_for_nothing_else(self, api, bob):
        token = token_of(api, bob, LIST_REGIONS)
        assert api.get("/v3/regions", token=token).status == 200
        for method, path in (("GET", "/v3/regions/RegionOne"), ("HEAD", "/v3/regions"), ("GET", "/v3/users")):
            assert api.call(method, path, token=token).status in (401, 403)

    @pytest.mark.parametrize(
        ("path", "open_", "closed"),
        [
            ("/v3/users/*", "/v3/users/{id}", "/v3/users/{id}/groups"),
            ("/v3/users/{user_id}", "/v3/users/{id}", "/v3/users/{id}/projects"),
            ("/v3/users/**", "/v3/users/{id}/groups", "/v3/regions"),
            ("/identity/v3/users/{id}", "/v3/users/{id}", "/v3/regions"),
        ],
    )
    def test_marks_in_a_path(self, api, bob, path, open_, closed):
        token = token_of(api, bob, {**SHOW_USER, "path": path})
        assert api.get(open_.format(id=bob.id), token=token).status == 200
        assert api.get(closed.format(id=bob.id), token=token).status in (401, 403)

    def test_without_rules_there_is_no_bound(self, api, bob):
        assert api.get("/v3/regions/RegionOne", token=token_of(api, bob)).status == 200

    def test_a_rule_for_another_service_opens_nothing_here(self, api, bob):
        token = token_of(api, bob, {**LIST_REGIONS, "service": "image"})
        assert api.get("/v3/regions", token=token).status in (401, 403)

    def test_are_shown_only_to_services_that_hold_them_to_the_rules(self, api, bob):
        token = token_of(api, bob, LIST_REGIONS)
        assert api.get("/v3/auth/tokens", x_subject_token=token).status == 404
        shown = api.get("/v3/auth/tokens", x_subject_token=token, **SUPPORT)
        (rule,) = shown.body["token"]["application_credential"]["access_rules"]
        assert LIST_REGIONS.items() <= rule.items()


class TestRules:
    def test_are_made_with_a_credential_once_and_stay(self, api, carol):
        first, second = confined(api, carol, LIST_REGIONS), confined(api, carol, LIST_REGIONS)
        (rule,) = listed(api, carol)
        assert LIST_REGIONS.items() <= rule.items()
        assert first["access_rules"] == second["access_rules"] == [{**LIST_REGIONS, "id": rule["id"]}]
        path = f"/v3/users/{carol.id}/access_rules/{rule['id']}"
        assert api.get(path, token=carol.token).body == {"access_rule": rule}
        for made in (first, second):
            used = api.delete(path, token=carol.token)
            assert used.status == 403
            assert rule["id"] in used.message
            api.delete(f"/v3/users/{carol.id}/application_credentials/{made['id']}", token=carol.token)
        assert api.delete(path, token=carol.token).status == 204
        assert api.get(path, token=carol.token).status == 404
        assert listed(api, carol) == []

    def test_may_be_named_by_their_id(self, api, bob):
        (rule,) = confined(api, bob, SHOW_USER)["access_rules"]
        assert confined(api, bob, {"id": rule["id"]})["access_rules"] == [rule]

    def test_but_not_those_of_others(self, api, bob, carol):
        (rule,) = confined(api, bob, SHOW_USER)["access_rules"]
        refused = credential(api, carol, access_rules=[{"id": rule["id"]}])
        assert refused.status == 400
        assert "access_rules[0].id" in refused.message
        path = f"/v3/users/{{}}/access_rules/{rule['id']}"
        for owner in (bob, carol):
            for method in ("GET", "DELETE"):
                answer = api.call(method, path.format(owner.id), token=carol.token)
                assert answer.status == (403 if owner is bob else 404)
        assert api.get(f"/v3/users/{bob.id}/access_rules", token=carol.token).status == 403
        assert api.get(path.format(bob.id)).status == 200

    @pytest.mark.parametrize("field", ["service", "method", "path"])
    def test_filters(self, api, field):
        dave = api.person()
        other = {"service": "image", "method": "POST", "path": "/v2/images"}
        confined(api, dave, LIST_REGIONS, other)
        (rule,) = listed(api, dave, f"?{field}={other[field]}")
        assert other.items() <= rule.items()
        assert len(listed(api, dave)) == 2

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"path": "no-slash"}, "path"),
            ({"path": "/" + "x" * 600}, "path"),
            ({"method": "BREW"}, "method"),
            ({"service": ""}, "service"),
            ({"service": 7}, "service"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_bad_ones_are_refused_by_name(self, api, bob, change, named):
        answer = credential(api, bob, access_rules=[{**LIST_REGIONS, **change}])
        assert answer.status == 400
        assert named in answer.message

    @pytest.mark.parametrize("missing", ["service", "method", "path"])
    def test_all_parts_are_needed(self, api, bob, missing):
        rule = {name: value for name, value in LIST_REGIONS.items() if name != missing}
        answer = credential(api, bob, access_rules=[rule])
        assert answer.status == 400
        assert f"access_rules[0].{missing}" in answer.message

    def test_go_with_their_user(self, api):
        dave = api.person()
        confined(api, dave, LIST_REGIONS)
        assert api.delete(f"/v3/users/{dave.id}").status == 204
