"""The file clouds.yaml in the state directory:

how the administrator's clients find and enter this cloud (mode 0600).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from knarr.core.identity.catalogue import REGION

FILE = "clouds.yaml"
CLOUD = "knarr"

# The environment variable of each setting, in the order in which `knarr openrc` prints them.
VARIABLES = {
    "OS_AUTH_URL": "auth_url",
    "OS_USERNAME": "username",
    "OS_PASSWORD": "password",
    "OS_PROJECT_NAME": "project_name",
    "OS_USER_DOMAIN_NAME": "user_domain_name",
    "OS_PROJECT_DOMAIN_NAME": "project_domain_name",
}


def write(state_dir: Path, base_url: str, password: str) -> Path:
    """Put the administrator's cloud into clouds.yaml, at once and readable by its owner alone;

    other clouds stay.
    """
    document = _document(state_dir)
    document.setdefault("clouds", {})[CLOUD] = {
        "auth": {
            "auth_url": auth_url(base_url),
            "username": "admin",
            "password": password,
            "project_name": "admin",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        },
        "region_name": REGION,
        "identity_api_version": 3,
    }
    return _replace(state_dir, document)


def follow_address(state_dir: Path, base_url: str) -> None:
    """Change the address in clouds.yaml if Knarr listens elsewhere than when the file was written."""
    path = state_dir / FILE
    try:
        text = path.read_text()
    except FileNotFoundError:
        return
    # Looked at as text first: reading YAML costs more than all else that a start does here.
    if f"auth_url: {auth_url(base_url)}\n" in text:
        return
    document = _document(state_dir)
    cloud = document.get("clouds", {}).get(CLOUD)
    if cloud and isinstance(cloud.get("auth"), dict) and cloud["auth"].get("auth_url") != auth_url(base_url):
        cloud["auth"]["auth_url"] = auth_url(base_url)
        _replace(state_dir, document)


def read(state_dir: Path) -> dict[str, Any] | None:
    """The settings of the cloud `knarr` (auth, region_name …), or None if there is no such file or cloud."""
    return _document(state_dir).get("clouds", {}).get(CLOUD)


def environment(state_dir: Path) -> dict[str, str] | None:
    """The OS_* variables for `knarr openrc`, or None without a clouds.yaml."""
    cloud = read(state_dir)
    if cloud is None:
        return None
    variables = {
        variable: str(cloud["auth"][key]) for variable, key in VARIABLES.items() if key in cloud["auth"]
    }
    variables["OS_REGION_NAME"] = str(cloud.get("region_name", REGION))
    variables["OS_IDENTITY_API_VERSION"] = "3"
    return variables


def auth_url(base_url: str) -> str:
    return f"{base_url.rstrip('/')}/identity/v3"


def _document(state_dir: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load((state_dir / FILE).read_text())
    except FileNotFoundError:
        return {}
    return document if isinstance(document, dict) else {}


def _replace(state_dir: Path, document: dict[str, Any]) -> Path:
    import yaml

    path = state_dir / FILE
    part = state_dir / f".{FILE}.{os.getpid()}"
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        yaml.safe_dump(document, file, sort_keys=False)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return path
