"""The first start, other processes on the same state, keys that rotate and time that passes."""

import os
import stat
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from knarr.core.identity import bootstrap, clouds, tokens, upkeep
from knarr.core.identity.backend import EmbeddedIdentity, embedded
from knarr.core.identity.models import RevokedToken, User
from knarr.kernel.db import utcnow

from .conftest import start
from .helpers import Api, by_password, role_names

ROLES = {"admin", "manager", "member", "reader", "service", "creator", "ResellerAdmin", "heat_stack_owner"}


def password_of(running):
    return clouds.read(running.state_dir)["auth"]["password"]


@pytest.fixture
def fresh(tmp_path):
    running = start(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def own(fresh):
    return Api(fresh.wsgi, password_of(fresh))


class TestFirstStart:
    def test_what_tools_expect_is_there(self, own):
        assert {role["name"] for role in own.get("/v3/roles").body["roles"]} >= ROLES
        assert {"admin", "service"} == {row["name"] for row in own.get("/v3/projects").body["projects"]}
        (domain,) = own.get("/v3/domains").body["domains"]
        assert (domain["id"], domain["name"], domain["enabled"]) == ("default", "Default", True)
        assert [region["id"] for region in own.get("/v3/regions").body["regions"]] == ["RegionOne"]

    def test_the_password_is_in_clouds_yaml_and_nowhere_in_clear_in_the_database(self, fresh):
        path = fresh.state_dir / "clouds.yaml"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        password = password_of(fresh).encode()
        assert len(password) >= 16
        for file in fresh.state_dir.glob("*.db*"):
            assert password not in file.read_bytes()

    def test_a_second_start_changes_nothing(self, fresh, own):
        before = (fresh.state_dir / "clouds.yaml").read_bytes()
        users = own.get("/v3/users").body
        assert bootstrap.prepare(fresh) is None
        fresh.prepare()
        assert (fresh.state_dir / "clouds.yaml").read_bytes() == before
        assert own.get("/v3/users").body == users

    def test_cut_off_before_its_end_it_starts_anew(self, tmp_path, monkeypatch):
        def cut_off(*_):
            raise OSError("no space left on device")

        with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
            patch.setattr(clouds, "write", cut_off)
            start(tmp_path)
        running = start(tmp_path)
        assert Api(running.wsgi, password_of(running)).get("/v3/users").status == 200
        running.stop()

    def test_a_given_password_is_taken(self, tmp_path):
        running = start(tmp_path, admin_password="chosen by hand")
        assert password_of(running) == "chosen by hand"
        assert Api(running.wsgi, "chosen by hand").get("/v3/users").status == 200
        running.stop()


class TestServiceToken:
    def test_is_admin_and_service_on_the_service_project(self, fresh, own):
        shown = own.get("/v3/auth/tokens", x_subject_token=fresh.identity.service_token())
        assert {"admin", "service"} <= set(role_names(shown))
        assert shown.body["token"]["project"]["name"] == "service"

    def test_is_kept_until_it_does_not_hold(self, fresh, own):
        token = fresh.identity.service_token()
        assert fresh.identity.service_token() == token
        own.make("user")
        assert fresh.identity.service_token() == token
        own.delete("/v3/auth/tokens", x_subject_token=token)
        assert fresh.identity.service_token() != token
        assert fresh.identity.validate(fresh.identity.service_token())

    def test_is_renewed_before_it_ends(self, tmp_path):
        running = start(tmp_path, token_expiration=3600)
        identity = running.identity
        first = identity.service_token()
        identity._service_entry = (first, 0.0)  # the time to renew it has come
        assert identity.service_token() != first
        assert identity.validate(first)
        running.stop()

    def test_nobody_logs_in_as_the_service_user(self, own):
        for password in ("", "knarr", "None"):
            assert own.login("knarr", password).status == 401


class TestOtherProcesses:
    @pytest.fixture
    def second(self, fresh):
        """Another process on the same database and keys, which looks for changes at each request."""
        running = start(fresh.state_dir, change_interval=0.0)
        yield running
        running.stop()

    def test_tokens_of_one_hold_in_the_other_until_they_are_revoked(self, own, second):
        person = own.person()
        assert second.identity.validate(person.token)["user"]["id"] == person.id
        own.delete("/v3/auth/tokens", x_subject_token=person.token)
        assert second.identity.validate(person.token) is None

    def test_a_disabled_user_is_out_everywhere(self, own, second):
        person = own.person()
        assert second.identity.validate(person.token)
        own.patch(f"/v3/users/{person.id}", {"user": {"enabled": False}})
        assert second.identity.validate(person.token) is None

    def test_tokens_sealed_by_a_key_that_is_new_to_it_are_opened(self, fresh, own, second):
        fresh.identity.keys.rotate()
        fresh.identity.keys.rotate()
        login = own.authenticate(by_password("admin", own.admin_password))
        assert second.identity.validate(login.headers["x-subject-token"])


class TestTime:
    def test_a_token_runs_out(self, fresh, own):
        token = issue(fresh, issued_ago=3700)
        assert fresh.identity.validate(token) is None
        assert own.get("/v3/users", token=token).status == 401
        assert own.get("/v3/auth/tokens", x_subject_token=token).status == 404

    def test_a_cached_token_runs_out_too(self, fresh):
        token = issue(fresh, issued_ago=0)
        entry = fresh.identity.entry(token)
        assert entry is not None
        entry.expires = 1.0
        again = fresh.identity.entry(token)
        assert again is not None
        assert again is not entry  # looked at anew: the token itself says when it ends

    def test_services_may_ask_for_one_that_ran_out(self, fresh, own):
        token = issue(fresh, issued_ago=3700)
        service, member = own.person("service"), own.person("member")
        path = "/v3/auth/tokens?allow_expired=1"
        assert own.get(path, token=service.token, x_subject_token=token).status == 200
        assert own.get(path, token=member.token, x_subject_token=token).status == 403
        assert own.get(path, x_subject_token=token).status == 404
        long_gone = issue(fresh, issued_ago=3 * 86400)
        assert own.get(path, token=service.token, x_subject_token=long_gone).status == 404

    def test_a_password_runs_out_and_can_then_be_changed(self, tmp_path):
        running = start(tmp_path, password_expires_days=1)
        own = Api(running.wsgi, password_of(running))
        person = own.person()
        assert own.get(f"/v3/users/{person.id}").body["user"]["password_expires_at"]
        with running.db.write() as session:
            session.get(User, person.id).password_expires_at = utcnow() - timedelta(seconds=1)
        refused = own.login(person.name)
        assert refused.status == 401
        assert "expired" in refused.message
        assert "expired" not in own.login(person.name, "wrong").message
        change = {"original_password": "correct horse", "password": "battery staple"}
        assert own.post(f"/v3/users/{person.id}/password", {"user": change}, token=None).status == 204
        assert own.login(person.name, "battery staple").status == 201
        running.stop()

    def test_keys_rotate_by_age_and_tokens_survive(self, fresh, own):
        old = time.time() - 8 * 86400
        os.utime(fresh.state_dir / "fernet-keys" / "1", (old, old))
        upkeep.rotate_keys(fresh)
        assert (fresh.state_dir / "fernet-keys" / "2").exists()
        assert own.is_valid(own.admin)

    def test_old_revocations_are_forgotten(self, fresh, own):
        person = own.person()
        own.delete("/v3/auth/tokens", x_subject_token=person.token)
        with fresh.db.write() as session:
            session.add(RevokedToken(audit_id="old", expires_at=utcnow() - timedelta(seconds=1)))
        upkeep.forget_revocations(fresh)
        with fresh.db.read() as session:
            assert session.get(RevokedToken, "old") is None
        assert not own.is_valid(person.token)


class TestCache:
    def test_it_is_bounded(self, tmp_path):
        running = start(tmp_path, token_cache_size=16)
        own = Api(running.wsgi, password_of(running))
        texts = [
            own.authenticate(by_password("admin", own.admin_password)).headers["x-subject-token"]
            for _ in range(40)
        ]
        assert all(running.identity.validate(text) for text in texts)
        assert len(running.identity._cache) <= 16
        running.stop()

    def test_what_is_no_token_takes_no_room(self, fresh, own):
        before = len(fresh.identity._cache)
        for number in range(50):
            assert fresh.identity.validate(f"gAAAAAB{number}") is None
        assert len(fresh.identity._cache) == before

    def test_a_backend_is_made_once(self, fresh):
        assert isinstance(fresh.identity, EmbeddedIdentity)
        assert embedded(fresh) is fresh.identity


def issue(running, issued_ago):
    """A token of the administrator, sealed with the real keys, whose hour began that many seconds ago."""
    with running.db.read() as session:
        user_id = session.scalar(select(User.id).where(User.name == "admin"))
    issued = utcnow() - timedelta(seconds=issued_ago)
    token = tokens.make(user_id, ["password"], tokens.UNSCOPED, "", issued, issued + timedelta(seconds=3600))
    return running.identity.keys.seal(tokens.encode(token))
