"""Names that bodies written for Python 2 know, and the helpers that their translation calls."""

from __future__ import annotations

import base64
import codecs
import functools
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
_TEXT_CODECS = frozenset(("utf-8", "utf8", "ascii", "us-ascii", "latin-1", "latin1", "iso-8859-1"))


def compare(left: Any, right: Any) -> int:
    """-1, 0 or 1."""
    return bool(left > right) - bool(left < right)


def text(value: Any, encoding: str = "utf-8", errors: str = "strict") -> str:
    """`unicode(value, encoding)`: text as it is, bytes decoded."""
    return bytes(value).decode(encoding, errors) if isinstance(value, (bytes, bytearray)) else str(value)


def sorted_(items: Iterable[Any], cmp: Any = None, key: Any = None, reverse: bool = False) -> list[Any]:
    return sorted(items, key=_key(cmp, key), reverse=reverse)


def _key(cmp: Any, key: Any) -> Any:
    if cmp is None:
        return key
    order = functools.cmp_to_key(cmp)
    return order if key is None else lambda item: order(key(item))


def zip_(*many: Iterable[Any]) -> list[Any]:
    return list(zip(*many))  # noqa: B905  it has ended with the shortest since ever


def map_(function: Any, *many: Iterable[Any]) -> list[Any]:
    if function is None:
        return zip_(*many) if len(many) > 1 else list(many[0])
    return list(map(function, *many))


def filter_(function: Any, items: Any) -> Any:
    """What passes: of text as text, of a tuple as a tuple, else as a list."""
    kept = filter(function, items)
    if isinstance(items, str):
        return "".join(kept)
    return tuple(kept) if isinstance(items, tuple) else list(kept)


def round_(number: Any, digits: int = 0) -> float:
    """Halves go away from zero, and the result is no whole number."""
    factor = 10.0**digits
    return math.copysign(math.floor(abs(number) * factor + 0.5) / factor, number)


def open_(name: Any, mode: str = "r", buffering: int = -1) -> IO[str]:
    """A file of text, whatever the mode: bytes that are no UTF-8 come back as they were when written."""
    plain = mode.replace("b", "").replace("U", "") or "r"
    newline = "" if "b" in mode else None
    buffering = 1 if buffering == 0 else buffering
    return open(name, plain, buffering, encoding="utf-8", errors="surrogateescape", newline=newline)  # noqa: PTH123


def raw_input(prompt: Any = "") -> str:
    raise EOFError("a plan has nobody to ask")


def execfile(name: str, *scopes: Any) -> None:
    exec(compile(Path(name).read_text("utf-8"), name, "exec"), *scopes)  # noqa: S102  that is what was asked for


def apply(
    function: Callable[..., Any], args: Iterable[Any] = (), kwargs: Mapping[str, Any] | None = None
) -> Any:
    return function(*args, **(kwargs or {}))


def reload(module: Any) -> Any:
    return module


def method(name: str, value: Any, *args: Any) -> Any:
    """`value.iteritems()` and its like, for whatever has what it was."""
    own = getattr(value, name, None)
    if callable(own):
        return own(*args)
    if name == "has_key":
        return args[0] in value
    new = getattr(value, name.removeprefix("iter").removeprefix("view"))(*args)
    return new if name.startswith("view") else iter(new)


def as_list(value: Any) -> Any:
    """Views of a dictionary as the lists that they were."""
    views: Any = _VIEWS
    return list(value) if isinstance(value, views) else value


def encode(value: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:
    """Text stays text, since that is what bytes are here; `base64`, `hex` and their like work on it."""
    if not isinstance(value, (str, bytes)):
        return value.encode(encoding, errors)
    name = encoding.lower().replace("_", "-")
    if name in _TEXT_CODECS:
        if isinstance(value, str):
            value.encode(encoding, errors)  # raises what it raised
        return value
    data: Any = value if name.startswith("rot") else as_bytes(value)
    if name == "base64":
        return base64.encodebytes(as_bytes(value)).decode("ascii")
    return as_text(codecs.encode(data, encoding, errors))


def decode(value: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:
    if not isinstance(value, (str, bytes)):
        return value.decode(encoding, errors)
    name = encoding.lower().replace("_", "-")
    if name in _TEXT_CODECS:
        return value.decode(encoding, errors) if isinstance(value, bytes) else value
    if name == "base64":
        return as_text(base64.decodebytes(as_bytes(value)))
    data: Any = value if name.startswith("rot") else as_bytes(value)
    return as_text(codecs.decode(data, encoding, errors))


def as_bytes(value: Any) -> Any:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def as_text(value: Any) -> Any:
    return bytes(value).decode("utf-8", "surrogateescape") if isinstance(value, (bytes, bytearray)) else value


def sort(value: Any, *args: Any, **kwargs: Any) -> Any:
    """`list.sort`, whose first argument was a comparison."""
    if not isinstance(value, list):
        return value.sort(*args, **kwargs)
    named = dict(zip_(("cmp", "key", "reverse"), args)) | kwargs
    value.sort(key=_key(named.get("cmp"), named.get("key")), reverse=bool(named.get("reverse", False)))
    return None


def next_(value: Any, *args: Any) -> Any:
    own = getattr(value, "next", None)
    return own(*args) if callable(own) else next(value, *args)


def divide(left: Any, right: Any) -> Any:
    """Whole numbers give a whole number."""
    return left // right if isinstance(left, int) and isinstance(right, int) else left / right


def message(value: Any) -> Any:
    """`error.message`."""
    if isinstance(value, BaseException) and not hasattr(value, "message"):
        return value.args[0] if len(value.args) == 1 else ""
    return value.message


def exception(kind: Any, value: Any = None, trace: Any = None) -> BaseException:
    """What `raise kind, value, trace` raises."""
    error: Any
    if isinstance(kind, BaseException):
        error = kind
    elif isinstance(kind, type) and isinstance(value, kind):
        error = value
    elif not isinstance(kind, type):
        raise TypeError(f"exceptions must be classes or instances, not {type(kind).__name__}")
    else:
        error = kind() if value is None else kind(*value) if isinstance(value, tuple) else kind(value)
    return error.with_traceback(trace) if trace is not None else error


# What bodies may name.
NAMES: dict[str, Any] = {
    "StandardError": Exception,
    "apply": apply,
    "basestring": str,
    "buffer": memoryview,
    "cmp": compare,
    "coerce": lambda left, right: (left, right),
    "execfile": execfile,
    "file": open_,
    "filter": filter_,
    "input": raw_input,
    "intern": lambda value: value,
    "long": int,
    "map": map_,
    "open": open_,
    "range": lambda *bounds: list(range(*bounds)),
    "raw_input": raw_input,
    "reduce": functools.reduce,
    "reload": reload,
    "round": round_,
    "sorted": sorted_,
    "unichr": chr,
    "unicode": str,
    "xrange": range,
    "zip": zip_,
}

# What translated bodies call.
HELPERS: dict[str, Any] = {
    "_py2_decode": decode,
    "_py2_divide": divide,
    "_py2_encode": encode,
    "_py2_exception": exception,
    "_py2_list": as_list,
    "_py2_message": message,
    "_py2_method": method,
    "_py2_next": next_,
    "_py2_sort": sort,
    "_py2_text": text,
}
