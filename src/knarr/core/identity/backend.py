"""The token check that every request of every service goes through, and the issuing of tokens.

A token is opened and looked up once; after that it is found in a dictionary by its text, as the body that
services read and as the JSON that `GET /v3/auth/tokens` answers. An entry holds while the count of changes
(see `changes`) is the one from before it was computed, and until the token runs out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from sqlalchemy import select

from knarr.core.identity import catalogue, issuing, tokens
from knarr.core.identity.catalogue import Catalogue, EndpointEntry, ServiceEntry
from knarr.core.identity.changes import Changes
from knarr.core.identity.grants import RoleBook
from knarr.core.identity.keys import KeyRing
from knarr.core.identity.models import DEFAULT_DOMAIN, Project, RevokedToken, User
from knarr.core.identity.passwords import Passwords
from knarr.core.identity.tokens import Token
from knarr.kernel.db import utcnow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from knarr.kernel.runtime import Runtime

LOG = logging.getLogger(__name__)

T = TypeVar("T")

SERVICE_USER = "knarr"
SERVICE_PROJECT = "service"

# A service token is replaced once it has less than this part of its life left.
RENEW_AT = 0.25


class Entry:
    """A token that was looked up: its body, and its answers in JSON once they were asked for."""

    __slots__ = ("_bare", "_full", "body", "count", "expires", "token")

    def __init__(self, token: Token, body: dict[str, Any] | None, count: int) -> None:
        self.token = token
        self.body = body
        self.count = count
        self.expires = token.expires_us / 1_000_000
        self._full: bytes | None = None
        self._bare: bytes | None = None

    def json(self, with_catalogue: bool) -> bytes:
        """{"token": …}, encoded once."""
        if with_catalogue:
            if self._full is None:
                self._full = orjson.dumps({"token": self.body})
            return self._full
        if self._bare is None:
            bare = {key: value for key, value in (self.body or {}).items() if key != "catalog"}
            self._bare = orjson.dumps({"token": bare})
        return self._bare


class EmbeddedIdentity:
    """The identity backend of this process, made once (`embedded(runtime)`)."""

    def __init__(self, runtime: Runtime) -> None:
        conf = runtime.conf.identity
        self.runtime = runtime
        self.db = runtime.db
        self.changes = Changes(runtime.db, conf.change_interval)
        self.passwords = Passwords(conf.password_hash_rounds)
        self.keys = KeyRing(runtime.state_dir / "fernet-keys", conf.max_active_keys)
        self.lifetime = timedelta(seconds=conf.token_expiration)
        self.expired_window = timedelta(seconds=conf.allow_expired_window)
        self._cache: dict[str, Entry] = {}
        self._cache_size = conf.token_cache_size
        self._mutex = threading.RLock()
        self._kept: dict[str, tuple[int, Any]] = {}
        self._service_entry: tuple[str, float] = ("", 0.0)

    # What the kernel asks

    def validate(self, token: str) -> dict[str, Any] | None:
        """The v3 body of a valid token (shared: not to be changed), or None."""
        entry = self.entry(token)
        return None if entry is None else entry.body

    def service_token(self) -> str:
        """A token of the service user on the service project, renewed before it runs out or when it was
        revoked.
        """
        text, renew = self._service_entry
        if time.time() < renew and self.entry(text) is not None:
            return text
        with self._mutex:
            text, renew = self._service_entry
            if time.time() < renew and self.entry(text) is not None:
                return text
            text, entry = self._issue_for_service()
            lifetime = self.lifetime.total_seconds()
            self._service_entry = (text, entry.expires - lifetime * RENEW_AT)
            return text

    # What the identity API asks

    def entry(self, text: str, allow_expired: bool = False) -> Entry | None:
        """The valid token of that text, from the cache where it holds."""
        now = time.time()
        cached = self._cache.get(text)
        if cached is not None and cached.count == self.changes.current():
            if cached.body is None:
                return None
            if now < cached.expires:
                return cached
        payload = self.keys.open(text)
        token = tokens.decode(payload) if payload else None
        if token is None:
            return None
        window = self.expired_window.total_seconds() if allow_expired else 0
        if now >= token.expires_us / 1_000_000 + window:
            return None
        entry = self._look_up(text, token)
        return None if entry.body is None else entry

    def issue(self, token: Token) -> tuple[str, Entry]:
        """The text of a new token and its entry. Raises InvalidTokenError if its user may not have it."""
        text = self.keys.seal(tokens.encode(token))
        count = self.changes.current()
        entry = Entry(token, self._describe(token, count), count)
        self._remember(text, entry)
        return text, entry

    def revoke(self, token: Token) -> None:
        """Revoke one token; others of the same user stay valid."""
        with self.changes.changing() as session:
            audit_id = token.audit_ids[0]
            if session.get(RevokedToken, audit_id) is None:
                kept_until = token.expires_at + self.expired_window
                session.add(RevokedToken(audit_id=audit_id, expires_at=kept_until))

    def role_book(self) -> RoleBook:
        return self._keep("roles", RoleBook.read)

    def catalogue(self) -> Catalogue:
        return self._keep("catalogue", lambda session: catalogue.read(session, self.own_services()))

    def own_services(self) -> tuple[tuple[ServiceEntry, ...], tuple[EndpointEntry, ...]]:
        """The catalogue's entries of the services that this program serves, or that its configuration
        names.
        """
        base = self.runtime.base_url.rstrip("/")
        elsewhere: dict[str, str] = dict(self.runtime.conf.external.endpoints)
        own = [
            catalogue.Own(
                types=(service.type, *service.aliases),
                name=service.name,
                title=service.title,
                url=elsewhere.pop(service.type, f"{base}{service.prefix}{service.endpoint}"),
            )
            for service in self.runtime.services.values()
        ]
        own += [catalogue.Own((kind,), kind, None, url) for kind, url in elsewhere.items()]
        return catalogue.own(own)

    def _look_up(self, text: str, token: Token) -> Entry:
        # Read first: a change that comes while the body is computed makes the entry outdated at once.
        count = self.changes.current()
        try:
            entry = Entry(token, self._describe(token, count), count)
        except issuing.InvalidTokenError as error:
            LOG.info("token refused: %s", error, extra={"user_id": token.user})
            entry = Entry(token, None, count)
        self._remember(text, entry)
        return entry

    def _describe(self, token: Token, count: int) -> dict[str, Any]:
        book = self.role_book()
        with self.db.read() as session:
            body = issuing.describe(session, token, book)
        if token.scope != tokens.UNSCOPED:
            project = body.get("project")
            body["catalog"] = self.catalogue().view(project["id"] if project else None, token.user)
        return body

    def _remember(self, text: str, entry: Entry) -> None:
        if len(self._cache) >= self._cache_size:
            self._make_room()
        self._cache[text] = entry

    def _make_room(self) -> None:
        """Forget what no longer holds; if that is not enough, the older half."""
        with self._mutex:
            count, now = self.changes.current(), time.time()
            kept = {t: e for t, e in list(self._cache.items()) if e.count == count and now < e.expires}
            if len(kept) > self._cache_size // 2:
                kept = dict(list(kept.items())[len(kept) // 2 :])
            self._cache = kept

    def _keep(self, name: str, compute: Callable[[Session], T]) -> T:
        """A value computed from the tables, until they change."""
        count = self.changes.current()
        kept = self._kept.get(name)
        if kept is not None and kept[0] == count:
            return kept[1]
        with self.db.read() as session:
            value = compute(session)
        self._kept[name] = (count, value)
        return value

    def service_user_id(self) -> str:
        """The id of the user that Knarr's services act as among themselves."""
        return self._service_ids()[0]

    def _service_ids(self) -> tuple[str, str]:
        with self.db.read() as session:
            user_id = session.scalar(
                select(User.id).where(User.domain_id == DEFAULT_DOMAIN, User.name == SERVICE_USER)
            )
            project_id = session.scalar(
                select(Project.id).where(Project.domain_id == DEFAULT_DOMAIN, Project.name == SERVICE_PROJECT)
            )
        if user_id is None or project_id is None:
            raise RuntimeError("the service user or its project is missing: start Knarr once with `knarr up`")
        return user_id, project_id

    def _issue_for_service(self) -> tuple[str, Entry]:
        user_id, project_id = self._service_ids()
        issued = utcnow()
        return self.issue(
            tokens.make(user_id, ["password"], tokens.PROJECT, project_id, issued, issued + self.lifetime)
        )


def embedded(runtime: Runtime) -> EmbeddedIdentity:
    """The one backend of this process."""
    backend: EmbeddedIdentity = runtime.component("identity.backend", lambda: EmbeddedIdentity(runtime))
    return backend
