"""Policies: /v3/policies. Documents that other services may fetch; Knarr itself follows none of them."""

from __future__ import annotations

from sqlalchemy import select

from knarr.core.identity.api.common import (
    View,
    add,
    apply,
    keep_extra,
    linked,
    listed,
    load,
    matching,
    writing,
)
from knarr.core.identity.models import Policy
from knarr.kernel.web import Request

FILTERS = {"id": Policy.id, "type": Policy.type}


def view(req: Request, row: Policy) -> View:
    body: View = {**(row.extra or {}), "id": row.id, "type": row.type, "blob": row.blob}
    return linked(req, body, "policies", row.id)


def list_policies(req: Request) -> View:
    stmt = matching(select(Policy), req, FILTERS)
    return listed(req, "policies", stmt, Policy, view, sortable=FILTERS)


def show_policy(req: Request, policy_id: str) -> View:
    with req.db.read() as session:
        return {"policy": view(req, load(session, Policy, policy_id, "policy"))}


def create_policy(req: Request) -> View:
    with writing(req, "policy") as session:
        row = Policy(type=req.body.type, blob=req.body.blob)
        add(req, session, row, req.body, view)
    return {"policy": view(req, row)}


def update_policy(req: Request, policy_id: str) -> View:
    with writing(req, "policy") as session:
        row = load(session, Policy, policy_id, "policy")
        shown = view(req, row)
        apply(row, req.body, ("type", "blob"))
        keep_extra(row, req.body, shown)
    return {"policy": view(req, row)}


def delete_policy(req: Request, policy_id: str) -> None:
    with writing(req, "policy") as session:
        session.delete(load(session, Policy, policy_id, "policy"))
