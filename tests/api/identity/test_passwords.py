"""What the configuration and a user's options ask of passwords: form, age, history, lockout, factors."""

from __future__ import annotations

import base64
import time
from datetime import datetime, timedelta

import pytest

from knarr.core.identity import receipts, totp
from knarr.core.identity.models import FailedLogins, PastPassword
from knarr.kernel.db import utcnow

from .conftest import start
from .helpers import PASSWORD, Api, by_password, unique

SECOND, THIRD = "battery staple", "another one yet"


class Strict(Api):
    """An identity service of its own, with the options of a test."""

    def __init__(self, folder, **options):
        self.running = start(folder, admin_password=PASSWORD, **options)
        super().__init__(self.running.wsgi, PASSWORD)

    def change(self, user, old, new):
        body = {"user": {"original_password": old, "password": new}}
        return self.post(f"/v3/users/{user['id']}/password", body, token=None)

    def gets_in(self, user, password=PASSWORD):
        return self.login(user["name"], password).status == 201

    def shift(self, model, column, **by):
        """Let time pass for all rows of a table."""
        with self.running.db.write() as session:
            for row in session.query(model):
                setattr(row, column, getattr(row, column) - timedelta(**by))


@pytest.fixture
def strict(tmp_path, request):
    made = Strict(tmp_path, **request.param)
    yield made
    made.running.stop()


def under(**options):
    return pytest.mark.parametrize("strict", [options], indirect=True, ids=lambda given: ",".join(given))


class TestForm:
    @under(password_regex=r"\d", password_regex_description="it needs a digit", minimum_password_length=4)
    def test_every_way_to_set_one_asks_for_it(self, strict):
        refused = strict.post("/v3/users", {"user": {"name": "a", "password": "letters"}})
        assert refused.status == 400
        assert "it needs a digit" in refused.message
        user = strict.make("user", password="letter5")
        assert strict.patch(f"/v3/users/{user['id']}", {"user": {"password": "letters"}}).status == 400
        assert strict.change(user, "letter5", "letters").status == 400
        assert strict.change(user, "letter5", "n0w").status == 400
        assert strict.change(user, "letter5", "letter6").status == 204


class TestHistory:
    @under(unique_last_password_count=2)
    def test_the_last_ones_are_not_chosen_again(self, strict):
        user = strict.make("user", password=PASSWORD)
        assert strict.change(user, PASSWORD, SECOND).status == 204
        refused = strict.change(user, SECOND, PASSWORD)
        assert refused.status == 400
        assert "last 2" in refused.message
        assert strict.change(user, SECOND, THIRD).status == 204
        assert strict.change(user, THIRD, PASSWORD).status == 204

    @under(unique_last_password_count=3)
    def test_it_does_not_bind_an_administrator(self, strict):
        user = strict.make("user", password=PASSWORD)
        for _ in range(2):
            assert strict.patch(f"/v3/users/{user['id']}", {"user": {"password": PASSWORD}}).status == 200
        assert strict.gets_in(user)

    @under()
    def test_without_it_only_the_present_one_is_refused(self, strict):
        user = strict.make("user", password=PASSWORD)
        assert strict.change(user, PASSWORD, PASSWORD).status == 400
        assert strict.change(user, PASSWORD, SECOND).status == 204
        assert strict.change(user, SECOND, PASSWORD).status == 204


class TestAge:
    @under(minimum_password_age=2)
    def test_a_chosen_one_is_kept_for_a_while(self, strict):
        user = strict.make("user", password=PASSWORD)
        # Given by an administrator, it may be changed at once.
        assert strict.change(user, PASSWORD, SECOND).status == 204
        refused = strict.change(user, SECOND, THIRD)
        assert refused.status == 400
        assert "2 days" in refused.message
        strict.shift(PastPassword, "created_at", days=2)
        assert strict.change(user, SECOND, THIRD).status == 204

    @under(password_expires_days=10)
    def test_it_runs_out_unless_the_user_is_excepted(self, strict):
        user = strict.make("user", password=PASSWORD)
        # As Keystone shows it: gophercloud and Horizon read it in this form and in no other.
        shown = datetime.strptime(user["password_expires_at"], "%Y-%m-%dT%H:%M:%S.%f")
        assert timedelta(days=9) < shown - utcnow() <= timedelta(days=10)
        told = strict.login(user["name"]).body["token"]["user"]["password_expires_at"]
        assert told == user["password_expires_at"]
        path = f"/v3/users/{user['id']}"
        excepted = strict.patch(path, {"user": {"options": {"ignore_password_expiry": True}}}).body["user"]
        assert excepted["password_expires_at"] is None
        back = strict.patch(path, {"user": {"options": {"ignore_password_expiry": None}}}).body["user"]
        assert back["options"] == {}
        assert back["password_expires_at"] == user["password_expires_at"]

    @under(change_password_upon_first_use=True)
    def test_one_that_was_given_must_be_changed_first(self, strict):
        user = strict.make("user", password=PASSWORD)
        refused = strict.login(user["name"])
        assert refused.status == 401
        assert "needs to be changed" in refused.message
        assert strict.change(user, PASSWORD, SECOND).status == 204
        assert strict.gets_in(user, SECOND)
        strict.patch(f"/v3/users/{user['id']}", {"user": {"password": THIRD}})
        assert not strict.gets_in(user, THIRD)

    @under(change_password_upon_first_use=True)
    def test_but_not_by_programs(self, strict):
        options = {"ignore_change_password_upon_first_use": True}
        assert strict.gets_in(strict.make("user", password=PASSWORD, options=options))


class TestLockout:
    @under(lockout_failure_attempts=2, lockout_duration=60)
    def test_after_wrong_ones_the_right_one_does_not_help_for_a_while(self, strict):
        user = strict.make("user", password=PASSWORD)
        for _ in range(2):
            assert not strict.gets_in(user, "wrong")
        assert not strict.gets_in(user)
        assert strict.change(user, PASSWORD, SECOND).status == 401
        strict.shift(FailedLogins, "last_at", seconds=61)
        assert strict.gets_in(user)

    @under(lockout_failure_attempts=2)
    def test_a_right_one_ends_the_row(self, strict):
        user = strict.make("user", password=PASSWORD)
        for _ in range(3):
            assert not strict.gets_in(user, "wrong")
            assert strict.gets_in(user)

    @under(lockout_failure_attempts=2)
    def test_an_administrators_reset_frees_the_user(self, strict):
        user = strict.make("user", password=PASSWORD)
        for _ in range(2):
            strict.gets_in(user, "wrong")
        strict.patch(f"/v3/users/{user['id']}", {"user": {"password": SECOND}})
        assert strict.gets_in(user, SECOND)

    @under(lockout_failure_attempts=1)
    def test_excepted_users_are_never_locked_out(self, strict):
        options = {"ignore_lockout_failure_attempts": True}
        user = strict.make("user", password=PASSWORD, options=options)
        assert not strict.gets_in(user, "wrong")
        assert strict.gets_in(user)


class TestOptions:
    def test_a_locked_password_is_changed_by_administrators_only(self, api):
        user = api.make("user", password=PASSWORD, options={"lock_password": True})
        change = {"user": {"original_password": PASSWORD, "password": SECOND}}
        refused = api.post(f"/v3/users/{user['id']}/password", change, token=None)
        assert refused.status == 400
        assert "lock_password" in refused.message
        assert api.patch(f"/v3/users/{user['id']}", {"user": {"password": SECOND}}).status == 200
        api.patch(f"/v3/users/{user['id']}", {"user": {"options": {"lock_password": False}}})
        change = {"user": {"original_password": SECOND, "password": THIRD}}
        assert api.post(f"/v3/users/{user['id']}/password", change, token=None).status == 204

    def test_others_stay_when_one_is_changed(self, api):
        user = api.make("user", options={"lock_password": True})
        path = f"/v3/users/{user['id']}"
        changed = api.patch(path, {"user": {"options": {"ignore_password_expiry": True}}}).body["user"]
        assert changed["options"] == {"lock_password": True, "ignore_password_expiry": True}
        assert api.patch(path, {"user": {"options": {"lock_password": None}}}).body["user"]["options"] == {
            "ignore_password_expiry": True
        }

    @pytest.mark.parametrize(
        "options",
        [
            {"no_such_option": True},
            {"lock_password": "yes"},
            {"multi_factor_auth_rules": "password"},
            {"multi_factor_auth_rules": [[]]},
            {"multi_factor_auth_rules": [["fingerprint"]]},
        ],
    )
    def test_unknown_and_wrong_ones_are_refused_by_name(self, api, options):
        answer = api.post("/v3/users", {"user": {"name": unique("user"), "options": options}})
        assert answer.status == 400
        assert next(iter(options)) in answer.message


SEED = base64.b32encode(b"12345678901234567890").decode().rstrip("=")


class TestSeveralFactors:
    @pytest.fixture
    def eve(self, api):
        rules = {"multi_factor_auth_rules": [["password", "totp"]]}
        user = api.make("user", password=PASSWORD, options=rules)
        body = {"type": "totp", "blob": SEED, "user_id": user["id"]}
        assert api.post("/v3/credentials", {"credential": body}).status == 201
        return user

    def enter(self, api, user, *methods, passcode=None, receipt=None):
        now = time.time()
        code = totp.passcode(SEED, now) if passcode is None else passcode
        parts = {
            **by_password(user["name"]),
            "totp": {"user": {"id": user["id"], "passcode": code}},
            "methods": list(methods),
        }
        return api.authenticate(parts, **({"openstack_auth_receipt": receipt} if receipt else {}))

    @pytest.mark.parametrize(("first", "second"), [("password", "totp"), ("totp", "password")])
    def test_one_of_them_gives_a_receipt_with_which_the_other_is_enough(self, api, eve, first, second):
        answer = self.enter(api, eve, first)
        assert answer.status == 401
        assert answer.body["required_auth_methods"] == [["password", "totp"]]
        assert answer.headers["www-authenticate"].startswith("Keystone uri=")
        shown = answer.body["receipt"]
        assert (shown["methods"], shown["user"]["id"]) == ([first], eve["id"])
        receipt = answer.headers["openstack-auth-receipt"]
        done = self.enter(api, eve, second, receipt=receipt)
        assert done.status == 201
        assert set(done.body["token"]["methods"]) == {"password", "totp"}
        assert self.enter(api, eve, first, receipt=receipt).status == 401

    def test_a_receipt_is_no_token_and_a_token_is_no_receipt(self, api, eve):
        receipt = self.enter(api, eve, "password").headers["openstack-auth-receipt"]
        assert not api.is_valid(receipt)
        assert self.enter(api, eve, "totp", receipt=api.admin).status == 401
        assert self.enter(api, eve, "totp", receipt="nonsense").status == 401

    def test_a_receipt_is_its_users_and_ends_with_the_password(self, api, eve, bob):
        receipt = self.enter(api, eve, "password").headers["openstack-auth-receipt"]
        login = by_password(bob.name)
        assert api.authenticate(login, openstack_auth_receipt=receipt).status == 401
        api.patch(f"/v3/users/{eve['id']}", {"user": {"password": SECOND}})
        assert self.enter(api, eve, "totp", receipt=receipt).status == 401

    def test_a_receipt_runs_out(self, api, eve, monkeypatch):
        receipt = self.enter(api, eve, "password").headers["openstack-auth-receipt"]
        monkeypatch.setattr(receipts, "utcnow", lambda: utcnow() + timedelta(seconds=301))
        assert self.enter(api, eve, "totp", receipt=receipt).status == 401

    def test_wrong_ones_give_none(self, api, eve):
        answer = self.enter(api, eve, "totp", passcode="000000x")
        assert answer.status == 401
        assert "openstack-auth-receipt" not in answer.headers

    def test_both_are_and_the_token_tells_so(self, api, eve):
        answer = self.enter(api, eve, "password", "totp")
        assert answer.status == 201
        assert answer.body["token"]["methods"] == ["password", "totp"]
        again = api.rescope(answer.headers["x-subject-token"])
        assert again.status == 201
        assert set(again.body["token"]["methods"]) == {"password", "totp", "token"}

    @pytest.mark.parametrize("passcode", ["", "six", "1" * 64, "１２３４５６"])
    def test_a_wrong_passcode_is_refused(self, api, eve, passcode):
        assert self.enter(api, eve, "password", "totp", passcode=passcode).status == 401

    def test_switched_off_any_method_will_do(self, api, eve):
        off = {"user": {"options": {"multi_factor_auth_enabled": False}}}
        api.patch(f"/v3/users/{eve['id']}", off)
        assert self.enter(api, eve, "password").status == 201
        assert self.enter(api, eve, "totp").status == 201

    def test_without_a_seed_no_passcode_fits(self, api):
        user = api.make("user", password=PASSWORD)
        assert self.enter(api, user, "totp").status == 401
