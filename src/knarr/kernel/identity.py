"""What the kernel asks of an identity service, embedded or external."""

from __future__ import annotations

from typing import Any, Protocol


class IdentityBackend(Protocol):
    """Checks tokens, and has one of the service's own."""

    def validate(self, token: str) -> dict[str, Any] | None:
        """The v3 body of a valid token (what stands under `token`; not to be changed), else None."""
        ...

    def service_token(self) -> str:
        """A valid token of the service user (roles admin and service) on the service project."""
        ...


class ExternalIdentity:
    """A Keystone that runs elsewhere: keystonemiddleware checks the tokens of requests before the app.

    Its WSGI filter leaves the token's body in the environment, so that the same context is made of it.
    """

    TOKEN_INFO = "keystone.token_info"  # noqa: S105  a key of the WSGI environment

    def __init__(self, options: Any) -> None:
        self.options = options
        self._session: Any = None

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
        return AuthProtocol(
            app,
            {
                "delay_auth_decision": True,
                "auth_type": "password",
                "auth_url": o.auth_url,
                "www_authenticate_uri": o.auth_url,
                "username": o.username,
                "password": o.password,
                "project_name": o.project_name,
                "user_domain_id": o.user_domain_id,
                "project_domain_id": o.project_domain_id,
                "cafile": o.cafile,
                "service_token_roles": "service",
                "service_token_roles_required": True,
            },
        )
