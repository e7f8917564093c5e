"""The agent is put on machines that have nothing else of the product."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import SOURCES

MODULES = sorted((SOURCES / "knarr_agent").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_it_imports_the_standard_library_and_yaml_only(path: Path) -> None:
    allowed = sys.stdlib_module_names | {"knarr_agent", "yaml"}
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not [name for name in names if name.partition(".")[0] not in allowed]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_it_is_written_for_the_pythons_that_machines_have(path: Path) -> None:
    text = path.read_text()
    ast.parse(text, feature_version=(3, 9))
    assert "from __future__ import annotations" in text or "|" not in text
    assert not re.search(r"slots=True|strict=True|datetime\.UTC", text)


def test_it_works_where_nothing_else_is(tmp_path: Path) -> None:
    """Its package and PyYAML copied elsewhere, and a Python that sees no site packages."""
    import yaml

    shutil.copytree(SOURCES / "knarr_agent", tmp_path / "knarr_agent")
    shutil.copytree(Path(yaml.__file__).parent, tmp_path / "yaml")
    done = subprocess.run(
        [sys.executable, "-S", "-m", "knarr_agent", "--help"],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "--config-file" in done.stdout
    code = (
        "from knarr_agent import plan, runner, config; import pathlib\n"
        "p = plan.parse({'FormatVersion': '2.0.0', 'ID': 'a', 'Body': 'print \"x\"\\nreturn 1'})\n"
        "print(runner.run(p, pathlib.Path('work'), config.Limits())['Body'])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.stdout == "x\n1\n", done.stderr
