"""`knarr package test`: run on packages on disk, as an author would."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from knarr.cli.main import main

MANIFEST = """
Format: 1.4
Type: Application
FullName: {name}
Version: 1.0.0
Classes:
  {name}.App: app.yaml
  {name}.AppTest: test.yaml
"""
APP = """
Namespaces: {{=: {name}, res: io.murano.resources, sys: io.murano.system}}
Name: App
Methods:
  deploy:
    Body:
      - Return: new(sys:HeatStack, name => app).current()
"""
TESTS = """
Namespaces: {{=: {name}, test: io.murano.test, sys: io.murano.system}}
Name: AppTest
Extends: test:TestFixture
Methods:
  testDeploy:
    Body:
      - inject(sys:HeatStack, current, dict(resources => []))
      - $.assertEqual(dict(resources => []), new(App).deploy())
  testFails:
    Body:
      - $.assertEqual(1, 2, always)
  testWithoutCloud:
    Body:
      - new(App).deploy()
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return make(tmp_path / "app", "t.app")


def make(folder: Path, name: str) -> Path:
    (folder / "Classes").mkdir(parents=True)
    (folder / "manifest.yaml").write_text(MANIFEST.format(name=name))
    (folder / "Classes" / "app.yaml").write_text(APP.format(name=name))
    (folder / "Classes" / "test.yaml").write_text(TESTS.format(name=name))
    return folder


def test_each_test_is_told_with_its_outcome(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["package", "test", str(package)]) == 1
    said = capsys.readouterr().out
    assert "About to execute 3 test(s)" in said
    assert "t.app.AppTest.testDeploy ......... OK" in said
    assert (
        "t.app.AppTest.testFails .......... FAIL! Classes/test.yaml:12: 1 was expected, 2 came: always"
        in said
    )
    assert "1 passed, 2 failed" in said
    assert "\033" not in said


def test_what_passes_ends_well(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for chosen in ("testDeploy", "t.app.AppTest.testDeploy"):
        assert main(["package", "test", str(package), chosen]) == 0
        assert "1 passed, 0 failed" in capsys.readouterr().out


def test_without_a_cloud_it_is_said_that_there_is_none(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["package", "test", str(package), "testWithoutCloud", "-v"]) == 1
    said = capsys.readouterr().out
    assert "cloud" in said and "Traceback" not in said
    assert "app.yaml" in said and "in method deploy of type t.app.App" in said


def test_archives_and_names_and_folders_of_packages(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "packages" / "app.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as made:
        for path in package.rglob("*"):
            made.write(path, path.relative_to(package))
    assert main(["package", "test", str(archive), "testDeploy"]) == 0
    assert main(["package", "test", "t.app", "testDeploy", "-l", str(archive.parent)]) == 0
    make(tmp_path / "nested" / "Other" / "package", "t.other")
    assert main(["package", "test", "t.other", "testDeploy", "-l", str(tmp_path / "nested")]) == 0
    assert main(["package", "test", str(tmp_path / "nested" / "Other"), "testDeploy"]) == 0


def test_outcomes_as_json(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["package", "test", str(package), "--json"]) == 1
    rows = {row["method"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["testDeploy"]["passed"] is True and rows["testDeploy"]["fault"] is None
    assert rows["testFails"]["fault"] == "1 was expected, 2 came: always"
    assert rows["testFails"]["at"] == "Classes/test.yaml:12"
    assert "test.yaml" in rows["testFails"]["trace"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.at.all"], "nowhere.at.all"),
        (["t.app", "-l", "/no/such/folder"], "there is no /no/such/folder"),
        (["{package}", "testNothing"], "no tests of these names"),
    ],
)
def test_what_cannot_be_run_is_said_in_a_line(
    package: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["package", "test", *(one.format(package=package) for one in arguments)]) == 1
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
