"""Credentials: /v3/credentials. Secrets that are kept encrypted for users and given back to them only."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.identity.api.common import (
    View,
    add,
    apply,
    caller,
    keep_extra,
    linked,
    listed,
    load,
    matching,
    missing,
    writing,
)
from knarr.core.identity.models import Credential, Project, User, hex_id
from knarr.kernel.errors import BadRequest, Conflict
from knarr.kernel.web import Request

FILTERS = {"id": Credential.id, "user_id": Credential.user_id, "type": Credential.type}

# The one type whose blob upstream looks into: its id is the hash of the access key that stands there.
EC2 = "ec2"

ACCESS_KEY = re.compile(r"\S{1,255}")


def view(req: Request, row: Credential) -> View:
    body: View = {
        **(row.extra or {}),
        "id": row.id,
        "user_id": row.user_id,
        "project_id": row.project_id,
        "type": row.type,
        "blob": req.runtime.secrets.decrypt(row.encrypted_blob),
    }
    return linked(req, body, "credentials", row.id)


def list_credentials(req: Request) -> View:
    """All for who may see all, else those of the caller."""
    stmt = matching(select(Credential), req, FILTERS)
    if not req.allows("identity:list_credentials", {}):
        own = caller(req)
        req.authorize("identity:list_credentials", {"target.credential.user_id": own})
        stmt = stmt.where(Credential.user_id == own)
    return listed(req, "credentials", stmt, Credential, view, sortable=FILTERS)


def show_credential(req: Request, credential_id: str) -> View:
    with req.db.read() as session:
        return {"credential": view(req, _found(req, session, credential_id, "identity:get_credential"))}


def create_credential(req: Request) -> View:
    """201 {credential}. 404 for an unknown user or project."""
    body = req.body
    req.authorize("identity:create_credential", _target(body.user_id))
    ident = _ident(body)
    with writing(req, "credential") as session:
        load(session, User, body.user_id, "user")
        _check_project(session, body.project_id)
        if session.get(Credential, ident) is not None:
            raise Conflict(f"Conflict occurred attempting to store credential - Duplicate ID, {ident}.")
        row = Credential(
            id=ident,
            user_id=body.user_id,
            project_id=body.project_id,
            type=body.type,
            encrypted_blob=req.runtime.secrets.encrypt(body.blob),
        )
        add(req, session, row, body, view)
    return {"credential": view(req, row)}


def update_credential(req: Request, credential_id: str) -> View:
    """200 {credential}. It can be given to another user only by who may write to that one's credentials."""
    body = req.body
    with writing(req, "credential") as session:
        row = _found(req, session, credential_id, "identity:update_credential")
        shown = view(req, row)
        if body.user_id is not UNSET:
            req.authorize("identity:update_credential", _target(body.user_id))
            load(session, User, body.user_id, "user")
        if body.project_id is not UNSET:
            _check_project(session, body.project_id)
        apply(row, body, ("user_id", "project_id", "type"))
        if body.blob is not UNSET:
            row.encrypted_blob = req.runtime.secrets.encrypt(body.blob)
        keep_extra(row, body, shown)
    return {"credential": view(req, row)}


def delete_credential(req: Request, credential_id: str) -> None:
    with writing(req, "credential") as session:
        session.delete(_found(req, session, credential_id, "identity:delete_credential"))


def _target(user_id: str) -> dict[str, Any]:
    return {"target.credential.user_id": user_id}


def _ident(body: Any) -> str:
    if body.type != EC2:
        return hex_id()
    try:
        blob = msgspec.json.decode(body.blob)
    except msgspec.DecodeError:
        blob = None
    access = blob.get("access") if isinstance(blob, dict) else None
    if not isinstance(access, str) or not ACCESS_KEY.fullmatch(access):
        raise BadRequest("blob of the type ec2 must be a JSON object with the string access.")
    if body.project_id is None:
        raise BadRequest("project_id is a required property of the type ec2 and is missing.")
    return hashlib.sha256(access.encode()).hexdigest()


def _check_project(session: Session, project_id: str | None) -> None:
    if project_id is not None:
        load(session, Project, project_id, "project")


def _found(req: Request, session: Session, credential_id: str, rule: str) -> Credential:
    row = session.get(Credential, credential_id)
    req.authorize(rule, {} if row is None else _target(row.user_id))
    if row is None:
        raise missing("credential", credential_id)
    return row
