"""Plans built of templates and the files of a package."""

from __future__ import annotations

import base64
import itertools
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from knarr.services.application_catalog.language.values import frozen
from knarr.services.application_catalog.plans.building import PlanBuilder, Stamps
from knarr.services.application_catalog.plans.faults import PlanFault
from knarr_agent import plan as agent_side

FILES: dict[str, bytes] = {
    "scripts/deploy.sh": b"#!/bin/sh\r\necho deploy\n",
    "scripts/lib/common.sh": "echo ä\n".encode(),
    "scripts/data.bin": bytes(range(256)),
    "scripts/Functions.ps1": b"function f {}\r\n",
}


def resource(name: str) -> bytes:
    try:
        return FILES[name]
    except KeyError:
        raise FileNotFoundError(name) from None


Build = Callable[..., dict[str, Any]]


@pytest.fixture
def build() -> Build:
    """Build a plan whose ids are id1, id2, … and whose Stamp is 77."""
    ids = (f"id{number}" for number in itertools.count(1))
    builder = PlanBuilder(resource, ids=lambda: next(ids), stamps=lambda: 77)

    def go(template: str | Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return builder.build(textwrap.dedent(template) if isinstance(template, str) else template, parameters)

    return go


APPLICATION = """
    FormatVersion: 2.0.0
    Version: 1.0.0
    Name: Deploy Tomcat
    Parameters:
      appName: $appName
      nested: {port: $port, names: [$appName, fixed]}
    Body: |
      return deploy(args.appName).stdout
    Scripts:
      deploy:
        Type: Application
        Version: 1.0.0
        EntryPoint: deploy.sh
        Files:
          - lib/common.sh
          - <data.bin>
        Options:
          captureStdout: true
          captureStderr: true
"""


def test_a_template_becomes_a_plan(build: Build) -> None:
    assert build(APPLICATION, {"appName": "shop", "port": 80}) == {
        "FormatVersion": "2.0.0",
        "Version": "1.0.0",
        "Name": "Deploy Tomcat",
        "ID": "id1",
        "Action": "Execute",
        "Stamp": 77,
        "Parameters": {"appName": "shop", "nested": {"port": 80, "names": ["shop", "fixed"]}},
        "Body": "return deploy(args.appName).stdout\n",
        "Scripts": {
            "deploy": {
                "Type": "Application",
                "Version": "1.0.0",
                "EntryPoint": "id2",
                "Files": ["id3", "id4"],
                "Options": {"captureStdout": True, "captureStderr": True},
            }
        },
        "Files": {
            "id2": {"Name": "deploy.sh", "BodyType": "Text", "Body": "#!/bin/sh\r\necho deploy\n"},
            "id3": {"Name": "lib/common.sh", "BodyType": "Text", "Body": "echo ä\n"},
            "id4": {
                "Name": "data.bin",
                "BodyType": "Base64",
                "Body": base64.b64encode(bytes(range(256))).decode() + "\n",
            },
        },
    }


def test_what_is_built_is_a_plan_for_the_agent(build: Build) -> None:
    parsed = agent_side.parse(build(APPLICATION, {}))
    assert [parsed.files[ident].content for ident in ("id2", "id3", "id4")] == [
        FILES["scripts/deploy.sh"],
        FILES["scripts/lib/common.sh"],
        FILES["scripts/data.bin"],
    ]


def test_the_template_stays_as_it_is(build: Build) -> None:
    template = {
        "FormatVersion": "2.0.0",
        "Body": "return",
        "Scripts": {"a": {"Type": "Application", "EntryPoint": "deploy.sh", "Files": ["lib/common.sh"]}},
    }
    first, second = build(template), build(template)
    assert template["Scripts"] == {
        "a": {"Type": "Application", "EntryPoint": "deploy.sh", "Files": ["lib/common.sh"]}
    }
    assert (first["ID"], second["ID"]) == ("id1", "id4")


def test_frozen_templates_of_the_language_are_as_good(build: Build) -> None:
    template = frozen(
        {"FormatVersion": "2.0.0", "Body": "return", "Scripts": {}, "Parameters": {"a": [1, {"b": 2}]}}
    )
    assert build(template)["Parameters"] == {"a": [1, {"b": 2}]}


def test_a_file_is_sent_once_however_many_scripts_need_it(build: Build) -> None:
    script = {
        "Type": "Application",
        "EntryPoint": "deploy.sh",
        "Files": ["<data.bin>", "data.bin", "deploy.sh"],
    }
    built = build({"FormatVersion": "2.0.0", "Body": "", "Scripts": {"a": script, "b": script}})
    assert built["Scripts"]["a"] == built["Scripts"]["b"]
    assert built["Scripts"]["a"]["Files"] == ["id3", "id3", "id2"]
    assert list(built["Files"]) == ["id2", "id3"]


def test_files_that_the_template_brings_are_known_by_their_names(build: Build) -> None:
    built = build(
        """
        FormatVersion: 2.0.0
        Body: return put("'{0}'".format(args.path)).exitCode == 0
        Files:
          target:
            BodyType: Base64
            Name: destinationFile
            Body: $content
        Scripts:
          put:
            Type: Application
            EntryPoint: deploy.sh
            Files: [destinationFile]
            Options: {captureStdout: false, verifyExitcode: $verify}
        """,
        {"content": "AAEC", "verify": False},
    )
    assert built["Scripts"]["put"]["Files"] == ["target"]
    assert built["Files"]["target"] == {"BodyType": "Base64", "Name": "destinationFile", "Body": "AAEC"}
    assert built["Scripts"]["put"]["Options"]["verifyExitcode"] is False


def test_a_file_may_have_another_name_on_the_machine(build: Build) -> None:
    script = {
        "Type": "Application",
        "EntryPoint": "deploy.sh",
        "Files": [{"etc/x.conf": "<data.bin>"}, {"y": "lib/common.sh"}],
    }
    built = build({"FormatVersion": "2.0.0", "Body": "", "Scripts": {"a": script}})
    assert [(file["Name"], file["BodyType"]) for file in built["Files"].values()] == [
        ("deploy.sh", "Text"),
        ("etc/x.conf", "Base64"),
        ("y", "Text"),
    ]


def test_urls_are_left_to_the_agent(build: Build) -> None:
    built = build(
        """
        FormatVersion: 2.1.0
        Body: return deploy(args).stdout
        Scripts:
          deploy:
            Type: Chef
            EntryPoint: cookbook::recipe
            Files:
              - https://example.org/tomcat.git
              - java: https://example.org/java.git
        """
    )
    assert built["Scripts"]["deploy"]["EntryPoint"] == "cookbook::recipe"
    assert built["Files"] == {
        "id2": {"Name": "tomcat.git", "Type": "Downloadable", "URL": "https://example.org/tomcat.git"},
        "id3": {"Name": "java", "Type": "Downloadable", "URL": "https://example.org/java.git"},
    }


def test_berkshelf_is_of_format_2_2(build: Build) -> None:
    options = {"useBerkshelf": True, "berksfilePath": "x/Berksfile"}
    script = {"Type": "Chef", "EntryPoint": "x::y", "Options": options}
    built = build({"FormatVersion": "2.2.0", "Body": "", "Scripts": {"a": script}})
    assert built["Scripts"]["a"]["Options"] == options


@pytest.mark.parametrize("version", ["FormatVersion: 1.0.0", "Name: x"])
def test_format_1_is_a_list_of_commands(build: Build, version: str) -> None:
    built = build(
        f"""
        {version}
        Scripts: [Functions.ps1]
        Commands:
          - Name: Set-LocalUserPassword
            Arguments: {{UserName: $user, Force: true}}
          - Name: Import-Module
        RebootOnCompletion: 1
        """,
        {"user": "Administrator"},
    )
    assert built["Scripts"] == [base64.b64encode(FILES["scripts/Functions.ps1"]).decode()]
    assert built["Commands"][0]["Arguments"] == {"UserName": "Administrator", "Force": True}
    assert built["RebootOnCompletion"] == 1
    assert built["Stamp"] == 77
    assert "ID" not in built
    assert "Files" not in built


def script(**more: Any) -> dict[str, Any]:
    return {
        "FormatVersion": "2.0.0",
        "Body": "",
        "Scripts": {"a": {"Type": "Application", "EntryPoint": "deploy.sh"} | more},
    }


WRONG: list[tuple[Any, str]] = [
    ("a: [", "the template is no YAML: template:2: invalid YAML"),
    ("just text", "a template is a mapping: FormatVersion, Body, Scripts"),
    ([], "a template is a mapping"),
    ({"FormatVersion": "9.9.9"}, "FormatVersion: 9.9.9 is not known; the newest one is 2.2.0"),
    ({"FormatVersion": "two"}, "FormatVersion: 'two' is no version"),
    ({"FormatVersion": "2.0.0"}, "Body: must be Python statements, as text"),
    ({"FormatVersion": "2.0.0", "Body": "", "Scripts": ["a"]}, "Scripts: must be a mapping"),
    ({"FormatVersion": "2.0.0", "Body": "", "Files": ["a"]}, "Files: must be a mapping"),
    ({"FormatVersion": "2.0.0", "Body": "", "Files": {"a": {}}}, "Files/a: must be a mapping with a Name"),
    ({"FormatVersion": "2.0.0", "Body": "", "Scripts": {"a": 1}}, "Scripts/a: must be a mapping with Type"),
    (
        {"FormatVersion": "2.0.0", "Body": "", "Scripts": {"a": {"Type": "Chef"}}},
        "Scripts/a/EntryPoint: is missing",
    ),
    (script(Type=None), "Scripts/a/Type: must be one of Application, Chef, Puppet"),
    (script(EntryPoint="gone.sh"), "Scripts/a/EntryPoint: the package has no file Resources/scripts/gone.sh"),
    (script(EntryPoint=5), "Scripts/a/EntryPoint: must be the name of a file, a URL"),
    (script(EntryPoint=""), "Scripts/a/EntryPoint: must be the name of a file"),
    (
        script(EntryPoint="../manifest.yaml"),
        "Scripts/a/EntryPoint: '../manifest.yaml' is no file below Resources/scripts",
    ),
    (
        script(EntryPoint="/etc/passwd"),
        "Scripts/a/EntryPoint: '/etc/passwd' is no file below Resources/scripts",
    ),
    (script(Files="deploy.sh"), "Scripts/a/Files: must be a list of files"),
    (
        script(Files=["deploy.sh", "<gone>"]),
        "Scripts/a/Files/1: the package has no file Resources/scripts/gone",
    ),
    (
        script(Files=["data.bin"]),
        "Scripts/a/Files/0: data.bin is not text in UTF-8; written as <data.bin> it is sent",
    ),
    (script(Files=[{"a": "deploy.sh", "b": "deploy.sh"}]), "Scripts/a/Files/0: must have one name"),
    (script(Files=[None]), "Scripts/a/Files/0: must be the name of a file"),
    (script(Files=[{"../x": "deploy.sh"}]), "Files/.*/Name: '../x' leaves the folder of its script"),
    (
        script(Files=[{"x": "https://example.org/x.git"}]),
        "files to download need FormatVersion 2.1.0, not 2.0.0",
    ),
    (
        script(Options={"captureStdout": "yes"}),
        "Scripts/a/Options/captureStdout: must be true or false, not text",
    ),
    (script(Type="Puppet"), "Scripts/a/Type: Puppet needs FormatVersion 2.1.0, not 2.0.0"),
    ({"Scripts": {"a": 1}}, "Scripts: must be a list of names of files, in a plan of format 1"),
    ({"Scripts": ["gone.ps1"]}, "Scripts/0: the package has no file Resources/scripts/gone.ps1"),
    ({"Commands": {}, "Scripts": []} | {"Commands": "x"}, "Commands: must be a list of commands"),
    ({"Commands": [{"Arguments": {}}]}, "Commands/0: must be a mapping with Name"),
    ({"Commands": [{"Name": "x", "Arguments": [1]}]}, "Commands/0/Arguments: must be a mapping"),
    ({"RebootOnCompletion": 5}, "RebootOnCompletion: must be 0"),
    (
        {"FormatVersion": "2.0.0", "Body": "", "Parameters": {"o": object()}},
        "Parameters/o: a value of type object cannot be sent",
    ),
    ({"FormatVersion": "2.0.0", "Body": "", "Parameters": {(1,): 2}}, r"\(1,\) is no key that can be sent"),
]


@pytest.mark.parametrize(("template", "message"), WRONG)
def test_a_wrong_template_is_told_by_key_and_file(build: Build, template: Any, message: str) -> None:
    with pytest.raises(PlanFault, match=message):
        build(template)


def test_a_template_that_unfolds_without_end_is_refused(build: Build) -> None:
    lines = ["FormatVersion: 2.0.0", "Body: ''", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(PlanFault, match="more than 200000 values"):
        build("\n".join(lines))


def test_a_template_that_holds_itself_is_refused(build: Build) -> None:
    with pytest.raises(PlanFault, match="nested deeper than 64 levels"):
        build("FormatVersion: 2.0.0\nBody: ''\nParameters: &p\n  a: *p\n")


def test_stamps_grow_even_if_the_clock_does_not() -> None:
    times = iter([1000.0, 1000.0, 999.0, 1000.5])
    stamps = Stamps(lambda: next(times))
    assert [stamps() for _ in range(4)] == [10_000_000, 10_000_001, 10_000_002, 10_005_000]


def test_ids_are_unique_where_none_are_given() -> None:
    builder = PlanBuilder(resource)
    first, second = builder.build(script()), builder.build(script())
    assert first["ID"] != second["ID"]
    assert len(first["ID"]) == 32
    assert first["Stamp"] < second["Stamp"]
