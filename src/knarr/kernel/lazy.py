"""Modules that others import and perhaps nobody uses: they are loaded when something in them is asked for.

oslo.config imports netaddr and rfc3986 for two of its types, oslo.policy compiles the patterns of
oslo_utils.strutils for its debug lines: together an eighth of the time that Knarr takes to start. The
standard library's LazyLoader does the same, but up to Python 3.12 two threads that come first at once both
run the module, and a second `import` of it loads it.
"""

from __future__ import annotations

import sys
import threading
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

# What the import system itself looks at, which is no use of the module.
_PLAIN = frozenset(
    ("__class__", "__dict__", "__file__", "__loader__", "__name__", "__package__", "__path__", "__spec__")
)


class _Deferred(ModuleType):
    """A module whose code has not run yet. The first look into it runs it, once."""

    def __getattribute__(self, name: str) -> Any:
        if name not in _PLAIN:
            _load(self)
        # Not super(): the module may be an ordinary one by now.
        return ModuleType.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _PLAIN:
            _load(self)
        ModuleType.__setattr__(self, name, value)


# A lock for each deferred module: whoever comes second waits until its code has run.
_locks: dict[str, Any] = {}
# Modules whose code runs at this instant; only the thread that holds the module's lock finds it here.
_loading: set[str] = set()


def _load(module: ModuleType) -> None:
    name = module.__name__
    with _locks[name]:
        if type(module) is not _Deferred or name in _loading:
            return
        loader = module.__spec__.loader if module.__spec__ else None
        assert loader is not None
        _loading.add(name)
        try:
            loader.exec_module(module)
            object.__setattr__(module, "__class__", ModuleType)
        finally:
            _loading.discard(name)


def defer(*names: str) -> None:
    """Have these modules loaded at their first use, if nobody has imported them yet and they are there."""
    for name in names:
        spec = None if name in sys.modules else find_spec(name)  # imports the packages above it
        if spec is None or spec.loader is None or name in sys.modules:
            continue
        _locks[name] = threading.RLock()
        module = module_from_spec(spec)
        module.__class__ = _Deferred
        sys.modules[name] = module
        above, _, last = name.rpartition(".")
        if above:
            setattr(sys.modules[above], last, module)
