"""What makes a plan, in each of the formats, and what is said of one that is none."""

from __future__ import annotations

from typing import Any

import pytest

from knarr_agent import plan
from knarr_agent.errors import AgentError, MalformedPlan, UnsupportedFormat

from .conftest import make_plan

TEXT = {"Name": "a.sh", "BodyType": "Text", "Body": "x"}
DOWNLOAD = {"Name": "cookbook", "Type": "Downloadable", "URL": "https://example.org/cookbook.git"}


def script(**more: Any) -> dict[str, Any]:
    return {"run": {"Type": "Application", "EntryPoint": "f1"} | more}


def test_a_plan_of_format_2_0_has_a_body_scripts_and_files() -> None:
    parsed = plan.parse(
        make_plan(
            FormatVersion="2.0.0",
            Name="Deploy",
            Stamp=17,
            Parameters={"a": 1},
            Scripts=script(Files=["f2"], Options={"captureStdout": False}),
            Files={"f1": TEXT, "f2": {"Name": "b/c.bin", "BodyType": "Base64", "Body": "AAEC\n"}},
        )
    )
    assert parsed.scripts["run"].files == ("f2",)
    assert parsed.scripts["run"].options == {"captureStdout": False}
    assert parsed.files["f1"].content == b"x"
    assert parsed.files["f2"].content == b"\x00\x01\x02"
    assert (parsed.stamp, parsed.parameters, parsed.name) == (17, {"a": 1}, "Deploy")


def test_a_plan_of_format_2_1_has_puppet_chef_and_downloads() -> None:
    for kind in ("Chef", "Puppet"):
        parsed = plan.parse(
            make_plan(
                FormatVersion="2.1.0",
                Scripts=script(Type=kind, EntryPoint="git::default", Files=["d"]),
                Files={"d": DOWNLOAD},
            )
        )
        assert parsed.files["d"].url == DOWNLOAD["URL"]


def test_a_plan_of_format_2_2_has_berkshelf() -> None:
    options = {"useBerkshelf": True, "berksfilePath": "git/Berksfile"}
    parsed = plan.parse(
        make_plan(
            Scripts=script(Type="Chef", EntryPoint="git::default", Files=["d"], Options=options),
            Files={"d": DOWNLOAD},
        )
    )
    assert parsed.scripts["run"].options == options


def test_what_a_plan_does_not_need_it_need_not_have() -> None:
    parsed = plan.parse({"FormatVersion": "2.0.0", "ID": "a", "Body": "return"})
    assert (parsed.scripts, parsed.files, parsed.parameters, parsed.stamp) == ({}, {}, {}, None)


@pytest.mark.parametrize("version", [None, "1.0.0", "1.2.3", 1])
def test_lists_of_commands_are_for_windows(version: Any) -> None:
    with pytest.raises(UnsupportedFormat, match="commands for Windows") as caught:
        plan.parse({"FormatVersion": version, "ID": "a", "Scripts": [], "Commands": []})
    assert caught.value.code == 9


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0", "3.0.0", "99", "latest", "", "2.x", True])
def test_later_formats_are_not_guessed_at(version: Any) -> None:
    with pytest.raises(UnsupportedFormat, match="FormatVersion") as caught:
        plan.parse(make_plan(FormatVersion=version))
    assert caught.value.code == 9


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"ID": ""}, "ID: must be text of 1 to 255 characters"),
    ({"ID": 5}, "ID: must be text of 1 to 255 characters"),
    ({"ID": "a" * 256}, "ID: must be text"),
    ({"Body": None}, "Body: must be Python statements, as text"),
    ({"Body": ["return"]}, "Body: must be Python statements, as text"),
    ({"Stamp": "x"}, "Stamp: must be a whole number"),
    ({"Stamp": -7}, "Stamp: must be a whole number"),
    ({"Stamp": 2**64}, "Stamp: must be a whole number"),
    ({"Scripts": []}, "Scripts: must be a mapping, not a list"),
    ({"Files": "x"}, "Files: must be a mapping, not text"),
    ({"Options": 1}, "Options: must be a mapping"),
    ({"Parameters": [1]}, "Parameters: must be a mapping, not a list"),
    ({"Scripts": {"run": None}}, "Scripts/run: must be a mapping with Type and EntryPoint"),
    ({"Scripts": {"../x": {}}}, r"Scripts/\.\./x: the name of a script must be one that the body can call"),
    ({"Scripts": {"class": {}}}, "Scripts/class: the name of a script"),
    (
        {"Scripts": {"run": {"EntryPoint": "f1"}}},
        "Scripts/run/Type: must be one of Application, Chef, Puppet",
    ),
    (
        {"Scripts": script(Type="Ansible")},
        "Scripts/run/Type: must be one of Application, Chef, Puppet, not 'Ansible'",
    ),
    ({"Scripts": {"run": {"Type": "Application"}}}, "Scripts/run/EntryPoint: is missing"),
    ({"Scripts": script(EntryPoint=3)}, "Scripts/run/EntryPoint: must be text"),
    ({"Scripts": script()}, "Scripts/run/EntryPoint: there is no file 'f1' in Files"),
    ({"Scripts": script(), "Files": {"f1": DOWNLOAD}}, "Scripts/run/EntryPoint: must be a file of the plan"),
    ({"Scripts": script(Type="Chef", EntryPoint="git")}, "must look like module::recipe"),
    ({"Scripts": script(Type="Puppet", EntryPoint="x::y' } exec { 'id")}, "must look like module::recipe"),
    ({"Scripts": script(Files={}), "Files": {"f1": TEXT}}, "Scripts/run/Files: must be a list"),
    (
        {"Scripts": script(Files=["f1", "zz"]), "Files": {"f1": TEXT}},
        "Scripts/run/Files/1: there is no file 'zz'",
    ),
    ({"Scripts": script(Options=[]), "Files": {"f1": TEXT}}, "Scripts/run/Options: must be a mapping"),
    (
        {"Scripts": script(Options={"verifyExitcode": "no"}), "Files": {"f1": TEXT}},
        "Scripts/run/Options/verifyExitcode: must be true or false, not text",
    ),
    (
        {"Scripts": script(Options={"useBerkshelf": True}), "Files": {"f1": TEXT}},
        "Scripts/run/Options/useBerkshelf: is for scripts of type Chef, not Application",
    ),
    (
        {"Scripts": script(Type="Chef", EntryPoint="a::b", Options={"berksfilePath": "../../etc/passwd"})},
        "Scripts/run/Options/berksfilePath: .* leaves the folder",
    ),
    ({"Files": {"f1": []}}, "Files/f1: must be a mapping with Name, and Body or URL"),
    ({"Files": {"f1": {"Name": "x"}}}, "Files/f1: has neither Body nor URL"),
    ({"Files": {"f1": {"Body": "x"}}}, "Files/f1/Name: must be the name of a file"),
    (
        {"Files": {"f1": TEXT | {"BodyType": "Hex"}}},
        r"Files/f1 \(a.sh\)/BodyType: must be one of Text, Base64",
    ),
    ({"Files": {"f1": TEXT | {"Body": 5}}}, r"Files/f1 \(a.sh\)/Body: must be text"),
    (
        {"Files": {"f1": {"Name": "a.bin", "BodyType": "Base64", "Body": "%%%"}}},
        r"Files/f1 \(a.bin\)/Body: is not base64",
    ),
    ({"Files": {"f1": DOWNLOAD | {"Type": "Copied"}}}, "Files/f1/Type: must be Downloadable"),
    ({"Files": {"f1": {"Name": "x", "Type": "Downloadable"}}}, r"Files/f1 \(x\)/URL: must be a URL of http"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_a_wrong_plan_is_told_by_the_key_at_fault(change: dict[str, Any], message: str) -> None:
    with pytest.raises(MalformedPlan, match=message) as caught:
        plan.parse(make_plan(**change))
    assert caught.value.code == 2


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/passwd",
        "a/../../x",
        "..",
        ".",
        "a\\..\\x",
        "a\x00b",
        "a\ud800b",
        "x\ny",
        "a" * 300,
        "b/" * 600 + "c",
        " ",
        "/",
    ],
)
def test_no_file_leaves_the_folder_of_its_script(name: str) -> None:
    with pytest.raises(MalformedPlan, match="Files/f1/Name"):
        plan.parse(make_plan(Files={"f1": TEXT | {"Name": name}}))
    with pytest.raises(MalformedPlan, match="Files/f1/Name"):
        plan.parse(make_plan(Files={"f1": DOWNLOAD | {"Name": name}}))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ext::sh -c id",
        "ftp://h/x",
        "-u",
        "http://",
        "https:///x",
        "http://h/\n",
        7,
        "//h/x",
        "http://[::1",
    ],
)
def test_files_come_from_the_web_and_from_repositories_only(url: Any) -> None:
    with pytest.raises(MalformedPlan, match=r"Files/f1 \(cookbook\)/URL: must be a URL"):
        plan.parse(make_plan(Files={"f1": DOWNLOAD | {"URL": url}}))


@pytest.mark.parametrize(
    ("version", "change", "message"),
    [
        (
            "2.0.0",
            {"Files": {"f1": DOWNLOAD}},
            "Files/f1: files to download need FormatVersion 2.1.0, not 2.0.0",
        ),
        (
            "2.0.0",
            {"Scripts": script(Type="Chef", EntryPoint="a::b")},
            "Chef needs FormatVersion 2.1.0, not 2.0.0",
        ),
        ("2.0.0", {"Scripts": script(Type="Puppet", EntryPoint="a::b")}, "Puppet needs FormatVersion 2.1.0"),
        (
            "2.1.0",
            {"Scripts": script(Type="Chef", EntryPoint="a::b", Options={"useBerkshelf": True})},
            "Scripts/run/Options/useBerkshelf: needs FormatVersion 2.2.0, not 2.1.0",
        ),
    ],
)
def test_each_format_allows_what_it_brought(version: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(MalformedPlan, match=message):
        plan.parse(make_plan(FormatVersion=version, **change))


@pytest.mark.parametrize("data", [None, [], "x", 5, True])
def test_a_plan_is_a_mapping(data: Any) -> None:
    with pytest.raises(AgentError, match="an execution plan is a JSON object"):
        plan.parse(data)
