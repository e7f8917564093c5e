"""Modules whose loading is put off until somebody uses them."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from knarr.kernel import lazy

COUNTED = """
import threading, time
loads = globals().get("loads", 0) + 1
time.sleep(0.05)
value = 42
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module that counts how often its code has run."""
    name = "put_off_for_a_test"
    (tmp_path / f"{name}.py").write_text(COUNTED)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    sys.modules.pop(name, None)


def test_its_code_runs_when_something_is_asked_of_it(module):
    lazy.defer(module)
    found = __import__(module)
    assert "value" not in found.__dict__
    assert found.value == 42
    assert found.loads == 1


def test_several_threads_that_come_first_find_it_whole_and_loaded_once(module):
    lazy.defer(module)
    found = []
    threads = [threading.Thread(target=lambda: found.append(__import__(module).value)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [42] * 8
    assert sys.modules[module].loads == 1


def test_one_that_is_not_there_is_still_missing():
    lazy.defer("there_is_no_such_module")
    with pytest.raises(ModuleNotFoundError):
        __import__("there_is_no_such_module")


def test_the_configuration_and_the_rules_of_all_services_load_nothing_that_nobody_uses():
    program = (
        "import sys\n"
        "from knarr.kernel import config\n"
        "conf = config.load([])\n"
        "loaded = {n for n, m in sys.modules.items() if type(m).__name__ != '_Deferred'}\n"
        "print(*sorted({'netaddr', 'rfc3986', 'requests', 'prometheus_client', 'docker'} & loaded))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
