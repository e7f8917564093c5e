"""The types of fields: how each is shown, what it makes of what a user gave, and when that is nothing."""

from __future__ import annotations

import ast
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from knarr.services.application_catalog.forms.budget import LARGEST
from knarr.services.application_catalog.forms.objects import HEADER
from knarr.services.application_catalog.forms.prepared import Prepared

LONGEST_TEXT = 1024 * 1024
PASSWORD_LENGTHS = (7, 255)
SPECIAL = "!@#$%^&*()_+|\\/.,~?><:{}-"
PASSWORD_RULE = (
    f"a password needs a lower-case and an upper-case letter, a digit and a special character ({SPECIAL})"
)
MOST_ROWS = 1000
_WHOLE = re.compile(r"[+-]?\d{1,20}(\.0*)?\Z", re.ASCII)
_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_$#@]*\Z", re.ASCII)
DATABASE_RULE = (
    "{name!r} is no name of a database: it begins with a letter or '_' "
    "and goes on with letters, digits and _ $ # @"
)
EMPTY: tuple[Any, ...] = (None, "", [], {})


class Invalid(Exception):
    """A value that cannot be taken. `code` is the key under which an author may give another message."""

    def __init__(self, message: str, code: str = "invalid") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


Convert = Callable[[Any, Prepared], Any]


@dataclass(frozen=True, slots=True)
class FieldType:
    """`widget` is how the field is shown: text, textarea, number, checkbox, password, select, component,
    table. `convert` makes the value, None and "" included; it raises Invalid."""

    widget: str
    convert: Convert


def text(value: Any, field: Prepared) -> str:
    if value is None:
        return ""
    if isinstance(value, (Mapping, list, bool)):
        raise Invalid("text is wanted here")
    made = str(value)
    if len(made) > LONGEST_TEXT:
        raise Invalid(f"the text is longer than {LONGEST_TEXT} characters", "max_length")
    if "\0" in made or not encodable(made):
        raise Invalid("the text has characters that cannot be stored")
    return made


def encodable(value: str) -> bool:
    """Whether text is UTF-8; half of a surrogate pair, which JSON can say, is not."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def line(value: Any, field: Prepared) -> str:
    return text(value, field).strip()


def password(value: Any, field: Prepared) -> str:
    made = text(value, field)
    if made and not field.own_rules and field.enabled and not strong(made):
        raise Invalid(PASSWORD_RULE)
    return made


def strong(value: str) -> bool:
    """Upstream's rule for passwords that have no rules of their own."""
    return all(
        any(letter in letters for letter in value)
        for letters in ("0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", SPECIAL)
    )


def integer(value: Any, field: Prepared) -> int | None:
    if value in (None, ""):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Invalid("a whole number is wanted here")
    if isinstance(value, str) and not _WHOLE.match(value.strip()):
        raise Invalid(f"{value[:32]!r} is no whole number")
    made = value if isinstance(value, int) else int(value.strip().partition(".")[0])
    if abs(made) >= LARGEST:
        raise Invalid("the number is too large")
    return made


TRUE = ("true", "on", "1", "yes")
FALSE = ("false", "off", "0", "no", "")


def boolean(value: Any, field: Prepared) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    word = str(value).strip().lower() if isinstance(value, (str, int)) else "?"
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise Invalid(f"{str(value)[:32]!r} is neither true nor false")


def cluster_ip(value: Any, field: Prepared) -> str:
    made = line(value, field)
    if not made:
        return ""
    try:
        return str(ipaddress.IPv4Address(made))
    except ValueError:
        raise Invalid(f"{made[:64]!r} is no IPv4 address") from None


def databases(value: Any, field: Prepared) -> list[str]:
    """Names from a list, or from text with commas between."""
    if value is None:
        return []
    rows = value if isinstance(value, list) else text(value, field).split(",")
    names = [line(row, field) for row in rows]
    if not isinstance(value, list) and names == [""]:
        return []
    for name in names:
        if not _DATABASE.match(name):
            raise Invalid(DATABASE_RULE.format(name=name[:64]))
    return names


def chosen(value: Any, field: Prepared) -> str:
    """The key of one of the field's choices."""
    made = "" if value is None else str(value) if isinstance(value, (str, int, float)) else None
    options = field.options
    if made is None or options is None:
        raise Invalid("one of the choices is wanted here", "invalid_choice")
    if made == "" and not options.enabled(""):
        return ""
    if field.enabled and not options.enabled(made):
        raise Invalid(f"{made[:64]!r} is none of the choices", "invalid_choice")
    return made


def flavor(value: Any, field: Prepared) -> str:
    """A flavor by id or name; what goes into the object model is its name, as upstream does."""
    made = "" if value is None else str(value) if isinstance(value, (str, int)) else None
    if made is None:
        raise Invalid("the id or name of a flavor is wanted here", "invalid_choice")
    choices = field.options.choices if field.options is not None else ()
    for choice in choices:
        if made in (choice.key, choice.title):
            return choice.title
    if made and field.enabled:
        raise Invalid(f"{made[:64]!r} is none of the flavors that can be chosen", "invalid_choice")
    return made


def network(value: Any, field: Prepared) -> list[str | None] | None:
    """A pair of network and subnet; both null for Auto. Taken as a list or as text of one."""
    if value in (None, ""):
        options = field.options
        if options is not None and not options.choices:
            return [None, None]  # there is nothing to choose from: as upstream, the application decides
        return None
    pair = _pair(value) if isinstance(value, str) else value
    good = isinstance(pair, (list, tuple)) and len(pair) == 2
    if not good or not all(part is None or isinstance(part, str) for part in pair):
        raise Invalid("a pair of network and subnet is wanted here: [network, subnet]", "invalid_choice")
    key = json.dumps(list(pair))
    if field.enabled and (field.options is None or not field.options.enabled(key)):
        raise Invalid("the network is none of those that can be chosen", "invalid_choice")
    return list(pair)


def _pair(value: str) -> Any:
    """JSON, or the text that upstream's page sends: `('id', None)`."""
    if len(value) > 512:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            return read(value)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return None


def component(value: Any, field: Prepared) -> Any:
    """The id of an application of the environment, the object model of a new one, or null."""
    if value in (None, ""):
        return None
    if not isinstance(value, Mapping):
        return chosen(value, field)
    header = value.get(HEADER)
    kind = header.get("type") if isinstance(header, Mapping) else None
    addable = field.options.addable if field.options is not None else ()
    allowed = (*field.definition.classes, *(one.class_name for one in addable))
    if not isinstance(kind, str):
        raise Invalid("an application needs a header '?' with its type", "invalid_choice")
    if kind not in allowed:
        raise Invalid(f"an application of the class {kind[:64]} cannot be taken here", "invalid_choice")
    return dict(value)


def table(value: Any, field: Prepared) -> list[dict[str, Any]]:
    """Rows of a table of version 1.0. A number stands for as many empty rows."""
    rows = [{} for _ in range(min(value, MOST_ROWS))] if isinstance(value, int) else value or []
    if (
        not isinstance(rows, list)
        or len(rows) > MOST_ROWS
        or not all(isinstance(row, Mapping) for row in rows)
    ):
        raise Invalid(f"a list of at most {MOST_ROWS} rows is wanted here")
    columns = field.attributes.get("columns") or ()
    names = {column["column_name"] for column in columns}
    for row in rows:
        strange = [str(key)[:32] for key in row if key not in names]
        if strange:
            raise Invalid(f"the table has no column {strange[0]!r}")
    made = [{column["column_name"]: _cell(column, row, field) for column in columns} for row in rows]
    for column in columns:
        marked = [row for row in made if row[column["column_name"]] is True]
        if column["column_type"] == "radio" and made and len(marked) != 1:
            raise Invalid(f"exactly one row must have {column['column_name']}")
        most = field.attributes.get("max_sync")
        if column["column_name"] == "isSync" and isinstance(most, int) and len(marked) > most:
            raise Invalid(f"at most {most} rows may have {column['column_name']}")
    return made


def _cell(column: Mapping[str, str], row: Mapping[str, Any], field: Prepared) -> Any:
    value = row.get(column["column_name"])
    return line(value, field) if column["column_type"] == "label" else boolean(value, field)


FIELD_TYPES: dict[str, FieldType] = {
    "string": FieldType("text", line),
    "text": FieldType("textarea", line),
    "integer": FieldType("number", integer),
    "instance": FieldType("number", integer),
    "boolean": FieldType("checkbox", boolean),
    "floatingip": FieldType("checkbox", boolean),
    "password": FieldType("password", password),
    "clusterip": FieldType("text", cluster_ip),
    "databaselist": FieldType("text", databases),
    "choice": FieldType("select", chosen),
    "image": FieldType("select", chosen),
    "flavor": FieldType("select", flavor),
    "keypair": FieldType("select", chosen),
    "azone": FieldType("select", chosen),
    "zone": FieldType("select", chosen),
    "network": FieldType("select", network),
    "securitygroup": FieldType("select", chosen),
    "volume": FieldType("select", chosen),
    "domain": FieldType("component", component),
    "class": FieldType("component", component),
    "table": FieldType("table", table),
}
