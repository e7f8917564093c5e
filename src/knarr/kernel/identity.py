"""What the kernel asks of an identity service, embedded or external."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any, Protocol


class IdentityBackend(Protocol):
    """Checks tokens, and has one of the service's own."""

    def validate(self, token: str) -> dict[str, Any] | None:
        """The v3 body of a valid token (what stands under `token`; not to be changed), else None."""
        ...

    def service_token(self) -> str:
        """A valid token of the service user (roles admin and service) on the service project."""
        ...


# The plugin of keystoneauth by which the service user logs in, and the section of its options.
ACCOUNT = "password"
SECTION = "keystone_authtoken"


class TokenMemory:
    """What keystonemiddleware remembers of checked tokens, under hashes, in this process.

    It takes the form of a cache in the WSGI environment; its own cache in the process is deprecated.
    """

    KEY = "knarr.token_memory"
    SIZE = 10_000

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> Any:
        until, value = self._known.get(key, (0.0, None))
        return value if until > monotonic() else None

    def set(self, key: str, value: Any, time: float = 0) -> None:
        with self._lock:
            while len(self._known) >= self.SIZE:
                del self._known[next(iter(self._known))]
            self._known[key] = (monotonic() + time, value)


class ExternalIdentity:
    """A Keystone that runs elsewhere: keystonemiddleware checks the tokens of requests before the app.

    Its WSGI filter leaves the token's body in the environment, so that the same context is made of it.
    """

    TOKEN_INFO = "keystone.token_info"  # noqa: S105  a key of the WSGI environment

    def __init__(self, options: Any) -> None:
        self.options = options
        self._session: Any = None
        self._memory = TokenMemory()

    def session(self) -> Any:
        """The keystoneauth session of the service user."""
        if self._session is None:
            from keystoneauth1 import session
            from keystoneauth1.identity import v3

            o = self.options
            self._session = session.Session(
                auth=v3.Password(
                    auth_url=o.auth_url,
                    username=o.username,
                    password=o.password,
                    project_name=o.project_name,
                    user_domain_id=o.user_domain_id,
                    project_domain_id=o.project_domain_id,
                ),
                verify=o.cafile or True,
            )
        return self._session

    def validate(self, token: str) -> dict[str, Any] | None:
        response = self.session().get(
            f"{self.options.auth_url.rstrip('/')}/auth/tokens",
            headers={"X-Subject-Token": token},
            raise_exc=False,
        )
        return response.json()["token"] if response.status_code == 200 else None

    def service_token(self) -> str:
        return str(self.session().get_token())

    def in_front_of(self, app: Any) -> Any:
        """The WSGI app with keystonemiddleware before it; the app itself decides which routes are public."""
        from keystonemiddleware.auth_token import AuthProtocol

        o = self.options
        checked = AuthProtocol(
            app,
            {
                "oslo_config_config": self._account(),
                "delay_auth_decision": True,
                "auth_type": ACCOUNT,
                "www_authenticate_uri": o.auth_url,
                "cafile": o.cafile,
                "service_token_roles": "service",
                "service_token_roles_required": True,
                "cache": TokenMemory.KEY,
            },
        )

        def with_memory(environ: dict[str, Any], start_response: Any) -> Any:
            environ[TokenMemory.KEY] = self._memory
            return checked(environ, start_response)

        return with_memory

    def _account(self) -> Any:
        """The service user, as keystonemiddleware reads it: as options of the plugin that logs in."""
        from keystoneauth1 import loading
        from oslo_config import cfg

        conf = cfg.ConfigOpts()
        conf([], project="knarr", default_config_files=[], default_config_dirs=[])
        conf.register_opts(loading.get_auth_plugin_conf_options(ACCOUNT), group=SECTION)
        names = ("auth_url", "username", "password", "project_name", "user_domain_id", "project_domain_id")
        for name in names:
            conf.set_override(name, getattr(self.options, name), group=SECTION)
        return conf
