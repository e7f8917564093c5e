"""What Alembic runs to upgrade a database or to compare it with the models."""

from __future__ import annotations

from typing import Any

from alembic import context

from knarr.kernel.db import Base, Database
from knarr.kernel.migrations import import_models

import_models()


def render_item(kind: str, item: Any, autogen_context: Any) -> Any:
    """Name the kernel's own column types in new versions, with the import that they need."""
    if kind == "type" and type(item).__module__ == "knarr.kernel.db":
        autogen_context.imports.add("from knarr.kernel import db")
        return f"db.{type(item).__name__}()"
    return False


def run(connection: Any) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_item,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    database = Database(context.config.get_main_option("sqlalchemy.url") or "")
    with database.writer.begin() as own:
        run(own)
