"""Scripts of types Puppet and Chef.

Neither program is installed where tests run. Recorded ones take their place: they are real programs on the
PATH that write down what they were asked and what they found, and end as they are told to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Run, make_plan

RECORDER = """#!/bin/sh
record=%(record)s/$(basename "$0")
for word in "$@"; do echo "$word"; done > $record.arguments
mkdir -p $record.files && cp -rL . $record.files/
%(then)s
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Install a recorded program of that name; gives the folder of the records."""
    programs, record = tmp_path / "programs", tmp_path / "record"
    programs.mkdir()
    record.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")

    def install(name: str, then: str = "echo done") -> Path:
        path = programs / name
        path.write_text(RECORDER % {"record": record, "then": then})
        path.chmod(0o755)
        return record

    return install


def configured(kind: str, entry_point: str, body: str = "return run(args)", **more: Any) -> dict[str, Any]:
    """A plan whose module is brought by the plan itself, as a file in the module's folder."""
    script = {"Type": kind, "EntryPoint": entry_point, "Files": ["m"]} | more
    return make_plan(
        body,
        Parameters={"port": 8080, "names": ["a"]},
        Files={"m": {"Name": "web/manifests/site.pp", "BodyType": "Text", "Body": "class web::site {}"}},
        Scripts={"run": script},
    )


def arguments(record: Path, name: str) -> list[str]:
    return (record / f"{name}.arguments").read_text().splitlines()


def test_puppet_applies_the_class_with_its_attributes(
    run: Run, program: Callable[..., Path], tmp_path: Path
) -> None:
    record = program("puppet")
    answer = run(configured("Puppet", "web::site"))
    assert answer["Body"] == {"exitCode": 0, "stdout": "done", "stderr": None}
    folder = str(tmp_path / "work" / "run")
    assert arguments(record, "puppet") == [
        "apply",
        "--hiera_config=hiera.yaml",
        "--modulepath",
        folder,
        "manifest.pp",
    ]
    files = record / "puppet.files"
    assert (files / "manifest.pp").read_text() == "node default {\n  class { 'web::site': }\n}\n"
    assert yaml.safe_load((files / "default.yaml").read_text()) == {
        "web::site::port": 8080,
        "web::site::names": ["a"],
    }
    hiera = yaml.safe_load((files / "hiera.yaml").read_text())
    assert hiera["version"] == 5
    assert hiera["hierarchy"][0]["path"] == "default.yaml"
    assert (files / "web/manifests/site.pp").read_text() == "class web::site {}"


@pytest.mark.parametrize(
    ("entry_point", "name"), [("web::init", "web"), ("web::", "web"), ("a::b::c", "a::b::c")]
)
def test_a_module_has_a_class_of_its_own_name(
    run: Run, program: Callable[..., Path], entry_point: str, name: str
) -> None:
    record = program("puppet")
    assert run(configured("Puppet", entry_point))["ErrorCode"] == 0
    assert f"class {{ '{name}': }}" in (record / "puppet.files/manifest.pp").read_text()


def test_chef_runs_the_recipe_with_its_attributes(
    run: Run, program: Callable[..., Path], tmp_path: Path
) -> None:
    record = program("chef-solo")
    answer = run(configured("Chef", "web::server", "return run(args, port=81).stdout"))
    assert answer["Body"] == "done"
    folder = tmp_path / "work" / "run"
    assert arguments(record, "chef-solo") == ["-j", "node.json", "-c", f"{folder}/solo.rb"]
    files = record / "chef-solo.files"
    node = json.loads((files / "node.json").read_text())
    assert node == {"run_list": ["recipe[web::server]"], "web": {"port": 81, "names": ["a"]}}
    assert (files / "solo.rb").read_text() == f'cookbook_path "{folder}"\n'


def test_chef_without_attributes_has_none(run: Run, program: Callable[..., Path]) -> None:
    record = program("chef-solo")
    assert run(configured("Chef", "web::", "return run().exitCode"))["Body"] == 0
    assert json.loads((record / "chef-solo.files/node.json").read_text()) == {
        "run_list": ["recipe[web::default]"]
    }


def test_berkshelf_fetches_what_the_cookbook_needs(
    run: Run, program: Callable[..., Path], tmp_path: Path
) -> None:
    record = program("chef-solo")
    program("berks", 'for last in "$@"; do :; done; mkdir -p "$last/dependency"')
    plan = configured("Chef", "web::server", Options={"useBerkshelf": True})
    plan["Files"]["b"] = {"Name": "web/Berksfile", "BodyType": "Text", "Body": "metadata\n"}
    plan["Scripts"]["run"]["Files"] = ["m", "b"]
    plan["Body"] = "run(args)\nreturn run(args).exitCode"
    assert run(plan)["Body"] == 0
    folder = tmp_path / "work" / "run"
    assert arguments(record, "berks") == [
        "vendor",
        f"--berksfile={folder}/web/Berksfile",
        f"{folder}/berks-cookbooks",
    ]
    files = record / "chef-solo.files"
    assert (files / "solo.rb").read_text() == f'cookbook_path "{folder}/berks-cookbooks"\n'
    assert (files / "berks-cookbooks/dependency").is_dir()


def test_the_berksfile_may_lie_elsewhere(run: Run, program: Callable[..., Path], tmp_path: Path) -> None:
    program("chef-solo")
    record = program("berks")
    plan = configured(
        "Chef", "web::server", Options={"useBerkshelf": True, "berksfilePath": "web/manifests/site.pp"}
    )
    assert run(plan)["ErrorCode"] == 0
    assert arguments(record, "berks")[1] == f"--berksfile={tmp_path}/work/run/web/manifests/site.pp"


def test_a_berksfile_that_is_not_there_is_told(run: Run, program: Callable[..., Path]) -> None:
    program("chef-solo")
    program("berks")
    answer = run(configured("Chef", "web::server", Options={"useBerkshelf": True}))
    assert answer["ErrorCode"] == 100
    assert answer["Body"]["Message"] == "Script run: there is no Berksfile at web/Berksfile"


def test_berkshelf_that_fails_ends_the_plan_whatever_the_options(
    run: Run, program: Callable[..., Path]
) -> None:
    program("chef-solo")
    program("berks", "echo no network >&2; exit 5")
    options = {"useBerkshelf": True, "berksfilePath": "web/manifests/site.pp", "verifyExitcode": False}
    answer = run(configured("Chef", "web::server", Options=options))
    assert answer["ErrorCode"] == 100
    assert answer["Body"]["Message"] == "Script run: Berkshelf returned error code 5"
    assert answer["Body"]["AdditionalInfo"]["stderr"] == "no network"


@pytest.mark.parametrize(("kind", "name"), [("Puppet", "puppet"), ("Chef", "chef-solo")])
def test_errors_that_a_tool_writes_to_stdout_are_errors(
    run: Run, program: Callable[..., Path], kind: str, name: str
) -> None:
    program(name, "echo fine; echo 'ERROR: no such package'; echo warned >&2; exit 2")
    answer = run(configured(kind, "web::site"))
    assert answer["ErrorCode"] == 100
    assert answer["Body"]["AdditionalInfo"] == {
        "exitCode": 2,
        "stdout": "fine\nERROR: no such package",
        "stderr": "warned\nERROR: no such package",
    }


@pytest.mark.parametrize(
    ("kind", "product", "name"), [("Puppet", "Puppet", "puppet"), ("Chef", "Chef", "chef-solo")]
)
def test_a_tool_that_is_not_installed_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, kind: str, product: str, name: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    answer = run(configured(kind, "web::site"))
    assert answer["ErrorCode"] == 100
    assert (
        answer["Body"]["Message"]
        == f"Script run: {product} is not installed on this machine: there is no program {name} on the PATH"
    )
    assert answer["Body"]["AdditionalInfo"]["exitCode"] == 127


def test_berkshelf_that_is_not_installed_is_named(run: Run, program: Callable[..., Path]) -> None:
    program("chef-solo")
    plan = configured(
        "Chef", "web::s", Options={"useBerkshelf": True, "berksfilePath": "web/manifests/site.pp"}
    )
    assert "Berkshelf is not installed" in run(plan)["Body"]["Message"]


def test_attributes_are_a_mapping(run: Run, program: Callable[..., Path]) -> None:
    program("puppet")
    answer = run(configured("Puppet", "web::site", "return run('port=80')"))
    assert answer["ErrorCode"] == 2
    assert (
        answer["Body"]["Message"] == "Body: script run takes a mapping of attributes, not a value of type str"
    )


def test_attributes_that_cannot_be_written_down_are_told(run: Run, program: Callable[..., Path]) -> None:
    program("chef-solo")
    answer = run(configured("Chef", "web::site", "return run({'a': object()})"))
    assert answer["ErrorCode"] == 1
    assert "a value of type object" in answer["Body"]["Message"]
