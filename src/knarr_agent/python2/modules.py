"""Modules that went by other names in Python 2, and attributes that modules have lost since.

Only the imports of a plan's body go through here: what the body imports may itself be written for Python 3.
"""

from __future__ import annotations

import builtins
import importlib
import types
from collections.abc import Callable
from typing import Any

from knarr_agent.python2.names import as_bytes, as_text, compare, filter_, map_

# Module of Python 2: the modules whose contents it had.
MODULES: dict[str, tuple[str, ...]] = {
    "BaseHTTPServer": ("http.server",),
    "ConfigParser": ("configparser",),
    "Cookie": ("http.cookies",),
    "HTMLParser": ("html.parser",),
    "Queue": ("queue",),
    "SimpleHTTPServer": ("http.server",),
    "SocketServer": ("socketserver",),
    "StringIO": ("io",),
    "UserDict": ("collections",),
    "__builtin__": ("builtins",),
    "cPickle": ("pickle",),
    "cStringIO": ("io",),
    "commands": ("subprocess",),
    "cookielib": ("http.cookiejar",),
    "copy_reg": ("copyreg",),
    "exceptions": ("builtins",),
    "htmlentitydefs": ("html.entities",),
    "httplib": ("http.client",),
    "md5": ("hashlib",),
    "sha": ("hashlib",),
    "thread": ("_thread",),
    "urllib2": ("urllib.request", "urllib.error"),
    "urlparse": ("urllib.parse",),
    "xmlrpclib": ("xmlrpc.client",),
}


class _TextResponse:
    """What a request over the web brought, read as text."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    def __iter__(self) -> Any:
        return map(as_text, self._response)

    def read(self, *args: Any) -> Any:
        return as_text(self._response.read(*args))

    def readline(self, *args: Any) -> Any:
        return as_text(self._response.readline(*args))

    def readlines(self) -> Any:
        return list(self)


def _on_text(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function on bytes, for text."""
    return lambda *args, **kwargs: as_text(function(*map(as_bytes, args), **kwargs))


def _hash(function: Callable[..., Any]) -> Callable[..., Any]:
    class Hash:
        def __init__(self, data: Any = b"", *args: Any, **kwargs: Any) -> None:
            self._hash = function(as_bytes(data), *args, **kwargs)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._hash, name)

        def update(self, data: Any) -> None:
            self._hash.update(as_bytes(data))

    return Hash


def _as_text_program(function: Callable[..., Any]) -> Callable[..., Any]:
    """Functions of subprocess: input and output are text."""

    def run(*args: Any, **kwargs: Any) -> Any:
        if not {"universal_newlines", "text", "encoding"} & kwargs.keys():
            kwargs |= {"encoding": "utf-8", "errors": "surrogateescape"}
        return function(*args, **kwargs)

    return run


def _urlopen(url: Any, data: Any = None, *args: Any, **kwargs: Any) -> _TextResponse:
    from urllib.request import urlopen

    return _TextResponse(urlopen(url, as_bytes(data), *args, **kwargs))  # noqa: S310  as the plan has it


def _letters(name: str) -> Callable[[Any], Any]:
    return lambda module: getattr(module, f"ascii_{name}")


def _method(name: str) -> Callable[[Any], Any]:
    return lambda _: lambda value, *args: getattr(value, name)(*args)


def _plain(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _of(module: str, name: str) -> Callable[[Any], Any]:
    return lambda _: getattr(importlib.import_module(module), name)


# Module of Python 3: attributes that it once had, made from the module.
ATTRIBUTES: dict[str, dict[str, Callable[[Any], Any]]] = {
    "collections": {
        name: _of("collections.abc", name)
        for name in (
            "Callable",
            "Iterable",
            "Iterator",
            "Mapping",
            "MutableMapping",
            "MutableSequence",
            "Sequence",
        )
    },
    "itertools": {
        "izip": _plain(zip),
        "imap": _plain(map),
        "ifilter": _plain(filter),
        "izip_longest": lambda module: module.zip_longest,
        "ifilterfalse": lambda module: module.filterfalse,
    },
    "operator": {"isCallable": _plain(callable), "div": lambda module: module.floordiv},
    "os": {
        "getcwdu": lambda module: module.getcwd,
        "errno": lambda _: importlib.import_module("errno"),
        "spawnvp": lambda module: module.spawnvp,
    },
    "string": {
        **{name: _letters(name) for name in ("letters", "lowercase", "uppercase")},
        **{
            name: _method(name)
            for name in ("split", "strip", "lstrip", "rstrip", "replace", "upper", "lower", "find", "zfill")
        },
        "join": _plain(lambda words, separator=" ": separator.join(words)),
        "atoi": _plain(int),
        "atof": _plain(float),
        "maketrans": _plain(str.maketrans),
    },
    "sys": {
        "maxint": lambda module: module.maxsize,
        "setdefaultencoding": _plain(lambda encoding: None),
        "exc_clear": _plain(lambda: None),
    },
    "time": {"clock": lambda module: module.process_time},
    "types": {
        "StringType": _plain(str),
        "StringTypes": _plain((str,)),
        "UnicodeType": _plain(str),
        "IntType": _plain(int),
        "LongType": _plain(int),
        "FloatType": _plain(float),
        "BooleanType": _plain(bool),
        "ListType": _plain(list),
        "TupleType": _plain(tuple),
        "DictType": _plain(dict),
        "DictionaryType": _plain(dict),
        "NoneType": _plain(type(None)),
    },
    "urllib": {
        **{
            name: _of("urllib.parse", name)
            for name in ("quote", "quote_plus", "unquote", "unquote_plus", "urlencode")
        },
        "urlopen": _plain(_urlopen),
        "urlretrieve": _of("urllib.request", "urlretrieve"),
    },
}

# Module of Python 3: attributes that took and gave text.
_TEXT: dict[str, dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]]] = {
    "base64": dict.fromkeys(
        (
            *("b64encode", "b64decode", "standard_b64encode", "standard_b64decode", "urlsafe_b64encode"),
            *("urlsafe_b64decode", "encodestring", "decodestring", "b32encode", "b32decode"),
        ),
        _on_text,
    ),
    "binascii": dict.fromkeys(("hexlify", "unhexlify", "a2b_base64", "b2a_base64"), _on_text),
    "hashlib": dict.fromkeys(("md5", "sha1", "sha224", "sha256", "sha384", "sha512"), _hash),
    "subprocess": dict.fromkeys(("check_output", "Popen", "run"), _as_text_program),
}

# Module of Python 2: attributes that its successor does not have.
_EXTRA: dict[str, dict[str, Callable[[], Any]]] = {
    "ConfigParser": {"SafeConfigParser": lambda: importlib.import_module("configparser").ConfigParser},
    "UserDict": {"DictMixin": lambda: importlib.import_module("collections.abc").MutableMapping},
    "md5": {"new": lambda: _hash(importlib.import_module("hashlib").md5)},
    "sha": {"new": lambda: _hash(importlib.import_module("hashlib").sha1)},
    "urllib2": {
        "urlopen": lambda: _urlopen,
        "quote": lambda: importlib.import_module("urllib.parse").quote,
        "unquote": lambda: importlib.import_module("urllib.parse").unquote,
    },
    "__builtin__": {"cmp": lambda: compare, "map": lambda: map_, "filter": lambda: filter_},
}
_OLD_BASE64 = {"encodestring": "encodebytes", "decodestring": "decodebytes"}


Import = Callable[..., Any]


def importer(plain: Import = builtins.__import__) -> Import:
    """An `__import__` for code of Python 2: old names find modules, and bytes are text."""
    _restore()
    made: dict[str, types.ModuleType] = {}

    def import_(name: str, scope: Any = None, local: Any = None, wanted: Any = (), level: int = 0) -> Any:
        make = (_renamed if name in MODULES else _wrapped if name in _TEXT else None) if level == 0 else None
        if make is None:
            return plain(name, scope, local, wanted, level)
        if name not in made:
            made[name] = make(name)
        return made[name]

    return import_


def _restore() -> None:
    """Give modules back what they lost. What they have is left alone."""
    for name, attributes in ATTRIBUTES.items():
        module = importlib.import_module(name)
        for attribute, make in attributes.items():
            if not hasattr(module, attribute):
                setattr(module, attribute, make(module))


def _renamed(name: str) -> types.ModuleType:
    module = _copy(name, *MODULES[name])
    for attribute, make in _EXTRA.get(name, {}).items():
        setattr(module, attribute, make())
    return module


def _wrapped(name: str) -> types.ModuleType:
    module = _copy(name, name)
    for attribute, wrap in _TEXT[name].items():
        setattr(module, attribute, wrap(getattr(module, _OLD_BASE64.get(attribute, attribute))))
    return module


def _copy(name: str, *sources: str) -> types.ModuleType:
    module = types.ModuleType(name)
    for source in sources:
        found = vars(importlib.import_module(source))
        vars(module).update({key: value for key, value in found.items() if not key.startswith("__")})
    return module
