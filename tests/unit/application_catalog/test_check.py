# ruff: noqa: E501
"""`knarr package check`: what it finds, and where."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.unit.application_catalog.conftest import CORE, archive
from tests.unit.application_catalog.test_hot_packages import MANIFEST as HOT_MANIFEST
from tests.unit.application_catalog.test_hot_packages import TEMPLATE

from knarr.cli.main import main
from knarr.services.application_catalog.packages.check import check
from knarr.services.application_catalog.packages.package import ApplicationPackage

MANIFEST = """\
    Format: 1.4
    FullName: com.shop
    Version: 1.0.0
    Classes: {com.shop.Shop: shop.yaml, com.shop.Item: shop.yaml}
"""

SHOP = """\
    Namespaces: {=: com.shop, std: io.murano}
    Name: Shop
    Extends: std:Environment
    Properties:
      items: {Contract: [$.class(Item)]}
      sum: {Contract: $.int(), Usage: Out, Default: 0}
      label: {Contract: $.string()}
    Methods:
      deploy:
        Arguments:
          - first: {Contract: $.class(Item), Default: null}
        Body:
          - $.sum: 0
          - For: item
            In: $.items
            Do:
              - If: $item.price = 0
                Then: Continue
              - $.sum: $.sum + $item.price
          - $this.log()
          - $resources: new(std:Environment)
          - $text: $resources.string('hello.txt')
          - Try:
              - $.find(std:Environment).deploy()
            Catch:
              - With: std:Broken
                As: e
                Do: [Rethrow: ]
          - Return: $.sum
      log:
    ---
    Name: Item
    Properties:
      price: {Contract: $.int().notNull()}
"""

FILES = {"manifest.yaml": MANIFEST, "Classes/shop.yaml": SHOP, "Resources/hello.txt": "hello"}


def core() -> ApplicationPackage:
    return ApplicationPackage.open(archive(CORE))


def found(files: dict[str, Any], *others: ApplicationPackage) -> list[str]:
    return [str(one) for one in check(archive(files), others or (core(),))]


def changed(old: str, new: str, file: str = "Classes/shop.yaml") -> dict[str, Any]:
    assert FILES[file].count(old) >= 1
    return {**FILES, file: FILES[file].replace(old, new, 1)}


def test_a_good_package_has_no_findings():
    assert found(FILES) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        (
            "Extends: std:Environment",
            "Extends: std:Nothing",
            3,
            "Extends: there is no class io.murano.Nothing",
        ),
        (
            "Extends: std:Environment",
            "Extends: Shop",
            3,
            "a class extends itself: com.shop.Shop -> com.shop.Shop",
        ),
        (
            "Extends: std:Environment",
            "Extends: sys:Thing",
            3,
            "namespace prefix 'sys' is not declared (known: =, std)",
        ),
        ("Extends: std:Environment", "Extend: std:Environment", 3, "a class has no key 'Extend'"),
        ("[$.class(Item)]", "[$.class(Itm)]", 5, "there is no class com.shop.Itm"),
        ("[$.class(Item)]", "[$.class(sys:Item)]", 5, "namespace prefix 'sys' is not declared"),
        ("$.int(), Usage", "'$.int()', Usage", 6, "the contract '$.int()' is in quotes, which make it text"),
        (
            "{Contract: $.class(Item), D",
            "{Contract: ['$.int()'], D",
            11,
            "the contract '$.int()' is in quotes",
        ),
        ("[$.class(Item)]", "[$.class(Item]", 5, "'$.class(Item' is no expression"),
        (
            "Usage: Out",
            "Usage: Output",
            6,
            "Usage: Output is none of In, Out, InOut, Const, Runtime, Static, Config",
        ),
        ("Contract: $.int(), Usage", "Usage", 6, "property sum of com.shop.Shop needs a Contract"),
        ("- first: {Contract", "- first: {Contact", 11, "argument first has no key 'Contact'"),
        ("- $.sum: 0", "- $.label: 0", 13, "property label has the usage In and cannot be assigned"),
        ("- $.sum: 0", "- $this: 0", 13, "$this cannot be assigned"),
        ("- $.sum: 0", "- $.f(): 0", 13, "$.f() cannot be assigned"),
        ("- $.sum: 0", "- sum", 10, "'sum' is no instruction"),
        ("- $.sum: 0", "- Iff: $x", 13, "there is no instruction with Iff"),
        ("Then: Continue", "Than: Continue", 17, "If has no part 'Than' (it has: If, Then, Else)"),
        ("- $this.log()", "- $this.lag()", 20, "com.shop.Shop has no method lag"),
        ("- $this.log()", "- Break:", 20, "Break stands in no loop"),
        ("'hello.txt'", "'hullo.txt'", 22, "the package has no file Resources/hullo.txt"),
        ("- $.sum: $.sum + $item.price", "- $x: $.sum +", 19, "'$.sum +' is no expression"),
        ("      log:", "      log: {Scope: Everybody}", 30, "Scope: Everybody is none of Session, Public"),
        ("      log:", "      log: {Usage: Extension}", 30, "extension method log needs an argument"),
        ("Name: Item", "Name: Itm", 1, "the file has no class com.shop.Item"),
        (
            "price: {Contract",
            "price: {Default: 1, Default: 2, Contract",
            34,
            "the key 'Default' stands there twice",
        ),
        ("      label:", "      sum:", 7, "the key 'sum' stands there twice"),
        ("      label:", "      on:", 7, "a name is read as true: numbers and words like yes, no, on, off"),
        ("      label:", "      1:", 7, "a name is read as 1: numbers and words"),
        ("      label:", "      2026-01-02:", 7, "a name is read as the expression 2026-01-02: numbers"),
        ("      label:", "      la-bel:", 7, "a name is read as the expression la-bel: numbers"),
        ("      label:", "      'la-bel':", 7, "warning: property 'la-bel' cannot be named in expressions"),
        ("      log:", "      ~:", 30, "a name is read as null: numbers and words"),
        ("- first:", "- no:", 11, "a name is read as false: numbers and words"),
        ("- $.sum: 0", "- $.sum: {a => 0}", 13, "'a => 0' is a key without a value here: write a: 0"),
        ("- $.sum: 0", "- $.sum: {yes: 0}", 13, "the key yes is read as true: quote it"),
        ("Name: Shop", "Name: 5", 2, "Name: a name is read as 5: numbers and words"),
        ("std: io.murano", "off: io.murano", 1, "Namespaces: a name is read as false: numbers and"),
    ],
)
def test_mistakes_of_classes_have_file_and_line(old, new, line, told):
    lines = found(changed(old, new))
    assert any(one.startswith(f"Classes/shop.yaml:{line}: {told}") for one in lines), lines


METADATA = """
    ---
    Name: Note
    Usage: Meta
    Applies: [Type, Argument]
    Properties:
      text: {Contract: $.string()}
"""


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ("{Note: {text: a}}", None),
        ("[{Note: {text: a}}, Note]", "com.shop.Note may be attached once only"),
        ("{Note: {txt: a}}", "com.shop.Note has no property 'txt'; did you mean 'text'?"),
        ("Shop", "com.shop.Shop is no metadata class: it needs `Usage: Meta`"),
        ("Nope", "Meta: there is no class com.shop.Nope"),
    ],
)
def test_metadata_of_classes(meta, told):
    text = SHOP.replace("Name: Item\n", f"Name: Item\n    Meta: {meta}\n") + METADATA
    lines = found({**FILES, "Classes/shop.yaml": text})
    assert lines == ([f"Classes/shop.yaml:33: {told}"] if told else [])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("price: {Contract", "price: {Meta: Note, Contract", "com.shop.Note may be attached to Type, Argument, not to Property"),
        ("      log:", "      log: {Meta: Note}", "com.shop.Note may be attached to Type, Argument, not to Method"),
        ("- first: {Contract", "- first: {Meta: Nope, Contract", "Meta: there is no class com.shop.Nope"),
    ],
)  # fmt: skip
def test_metadata_of_parts_of_classes(old, new, told):
    lines = found({**FILES, "Classes/shop.yaml": SHOP.replace(old, new, 1) + METADATA})
    assert [line.partition(": ")[2] for line in lines] == [told]


def test_what_is_never_executed():
    text = SHOP.replace("- $this.log()", "- Return: 1")
    assert found({**FILES, "Classes/shop.yaml": text}) == [
        "Classes/shop.yaml:21: this is never executed: Return stands before it"
    ]


def test_all_mistakes_of_a_file_are_found():
    text = SHOP
    for old, new in (
        ("Usage: Out", "Usage: Output"),
        ("[$.class(Item)]", "[$.class(Itm)]"),
        ("Then: Continue", "Than: Continue"),
        ("- $this.log()", "- Break:"),
        ("price: {Contract", "price: {Contact"),
    ):
        text = text.replace(old, new)
    places = [line.partition(": ")[0] for line in found({**FILES, "Classes/shop.yaml": text})]
    assert places == [f"Classes/shop.yaml:{line}" for line in (5, 6, 17, 20, 21, 34)]


def test_names_of_packages_that_are_not_at_hand_are_trusted():
    manifest = MANIFEST + "    Require: {com.other: 1}\n"
    text = SHOP.replace("Extends: std:Environment", "Extends: com.other.Thing").replace(
        "[$.class(Item)]", "[$.class(Itm)]"
    )
    assert found({**FILES, "manifest.yaml": manifest, "Classes/shop.yaml": text}) == [
        "Classes/shop.yaml:5: there is no class com.shop.Itm"
    ]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"Classes/shop.yaml": None}, "manifest.yaml:4: Classes: com.shop.Shop: the package has no file Classes/sh"),
        ({"Classes/more.yaml": "Name: x"}, "Classes/more.yaml:1: no class of the manifest is in this file"),
        ({"classes/more.yaml": "Name: x"}, "classes/more.yaml:1: the folder classes is not looked at"),
        ({"Classes/shop.yaml": "- a"}, "Classes/shop.yaml:1: a class is a mapping"),
        ({"Classes/shop.yaml": ""}, "Classes/shop.yaml:1: there is no class in this file"),
        ({"Classes/shop.yaml": b"\xff"}, "Classes/shop.yaml:1: the file is not UTF-8"),
        ({"Classes/shop.yaml": SHOP.replace("$this.log()", "$x: $f({a: 1})")},
         "Classes/shop.yaml:20: invalid YAML: mapping values are not allowed in this context (text or an expression with"),
        ({"Classes/shop.yaml": SHOP.replace("$this.log()", "$x: [$a[0]]")},
         "Classes/shop.yaml:20: invalid YAML: did not find expected ',' or ']' (between [ ] or { }, expressions with"),
        ({"Classes/shop.yaml": SHOP.replace("$this.log()", "$x: %5")},
         "Classes/shop.yaml:20: invalid YAML: found character that cannot start any token (text that begins"),
        ({"Classes/shop.yaml": "Name: [\n"}, "Classes/shop.yaml:2: invalid YAML"),
        ({"UI/ui.yaml": "Version: [\n"}, "UI/ui.yaml:2: invalid YAML"),
        ({"UI/ui.yaml": "Version: 9\n"}, "UI/ui.yaml:1: Version 9.0 is not known"),
        ({"UI/ui.yaml": "Application: {?: {type: a.B}}\nForms: []"}, "UI/ui.yaml:1: a key is empty: between braces"),
        ({"UI/ui.yaml": b"\xff"}, "UI/ui.yaml:1: the file is not UTF-8"),
        ({"images.lst": "Images:\n- Name: x\n"}, "images.lst:2: an image needs the key DiskFormat"),
        ({"logo.png": "text"}, "manifest.yaml:1: Logo: logo.png is no picture"),
        ({"logo.png": b"GIF89a" + os.urandom(600_000)}, "manifest.yaml:1: Logo: logo.png has 600006 bytes"),
        ({"manifest.yaml": MANIFEST + "    Logo: x.png\n"}, "manifest.yaml:5: Logo: the package has no file 'x.png'"),
        ({"manifest.yaml": MANIFEST + "    UI: x.yaml\n"}, "manifest.yaml:5: UI: the package has no file UI/x.yaml"),
        ({"manifest.yaml": MANIFEST + "    Meta: {com.shop.Met: {}}\n"}, "manifest.yaml:5: Meta: there is no class com.shop.Met"),
        ({"manifest.yaml": MANIFEST + "    Meta: {5: {}}\n"}, "manifest.yaml:5: Meta: a name is read as 5"),
        ({"manifest.yaml": MANIFEST + "    Nme: x\n"}, "manifest.yaml:5: a manifest has no key 'Nme'"),
        ({"manifest.yaml": None}, ".: the package has no manifest.yaml at its top"),
    ],
)  # fmt: skip
def test_mistakes_of_other_files(files, told):
    together = {name: data for name, data in {**FILES, **files}.items() if data is not None}
    lines = found(together)
    assert any(one.startswith(told) for one in lines), lines


def test_warnings_are_told_but_are_no_mistakes(folder, capsys):
    text = "Version: 2.4\nApplication: {'?': {type: com.shop.Shop}, name: name()}\n\n\nExtra: 1\nForms:\n"
    text += "- page:\n    fields:\n    - {name: label, type: string}\n"
    (folder / "UI").mkdir()
    (folder / "UI" / "ui.yaml").write_text(text)
    assert main(["package", "check", str(folder)]) == 0
    assert f"{folder}/UI/ui.yaml:5: warning: there is no section 'Extra'" in capsys.readouterr().out


FORM = """\
    Version: 2.4
    ParametersSource: com.shop.Shop.usual
    Templates:
      item:
        ?: {type: com.shop.Item}
        weight: 1
    Application:
      ?:
        type: com.shop.Shop
        classVersion: 1.0.0
      name: name()
      label: $.page.label
      items:
        - ?: {type: com.shop.Item}
          price: 5
    Forms:
      - page:
          fields:
            - {name: label, type: string}
            - {name: other, type: [com.shop.Shop, io.murano.Object]}
"""
WITH_FORM = {
    **changed("      log:", "      log:\n      usual: {Usage: Static, Body: [{Return: {a: 1}}]}"),
    "UI/ui.yaml": FORM.replace("        weight: 1\n", ""),
}


def form_findings(old: str = "", new: str = "") -> list[str]:
    return found({**WITH_FORM, "UI/ui.yaml": FORM.replace(old, new, 1) if old else WITH_FORM["UI/ui.yaml"]})


def test_a_form_that_fits_its_classes_has_no_findings():
    assert form_findings() == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("weight", "price: 1\n        weight", "7: warning: com.shop.Item has no property 'weight'"),
        ("type: com.shop.Shop\n", "type: com.shop.Shp\n", "9: there is no class com.shop.Shp"),
        ("type: com.shop.Item}\n          price: 5", "type: com.shop.Itm}", "14: there is no class com.shop.Itm"),
        ("label: $", "lable: $", "12: warning: com.shop.Shop has no property 'lable'; did you mean 'label'?"),
        ("      name: name()\n", "", "9: com.shop.Shop needs the property name, which is not given"),
        ("          price: 5\n", "", "14: com.shop.Item needs the property price, which is not given"),
        ("{type: com.shop.Item}\n          price: 5", "{type: com.x.Item}", "14: warning: class com.x.Item is neither"),
        ("[com.shop.Shop,", "[com.x.Shop,", "20: warning: other: class com.x.Shop is neither in this package nor"),
        ("Shop.usual", "Shop.usal", "2: ParametersSource: com.shop.Shop has no method usal"),
        ("Shop.usual", "Shop.deploy", "2: ParametersSource: com.shop.Shop needs `Usage: Static` at deploy"),
        ("Shop.usual", "Shp.usual", "2: ParametersSource: there is no class com.shop.Shp"),
    ],
)  # fmt: skip
def test_what_a_form_says_of_classes(old, new, told):
    lines = form_findings(old, new)
    assert any(one.startswith(f"UI/ui.yaml:{told}") for one in lines), lines


def test_properties_that_could_not_be_read_are_not_missed():
    files = {
        **WITH_FORM,
        "Classes/shop.yaml": WITH_FORM["Classes/shop.yaml"].replace("$.string()}", "$.string(}"),
    }
    lines = [line for line in found(files) if line.startswith("UI")]
    assert lines == []


def test_all_mistakes_of_a_form_are_found():
    text = FORM.replace("        weight: 1\n", "").replace("type: string", "type: strng")
    text = text.replace("name: name()", "nme: name()").replace("- {name: label", "- {nam: label")
    places = [line.partition(": ")[0] for line in found({**WITH_FORM, "UI/ui.yaml": text})]
    assert places == [f"UI/ui.yaml:{line}" for line in (8, 10, 11, 18, 18, 18)]


def test_public_methods_are_of_the_format_1_4():
    files = changed("      log:", "      log: {Scope: Public}")
    assert found(files) == []
    files["manifest.yaml"] = MANIFEST.replace("1.4", "1.2")
    [line] = found(files)
    assert line.startswith("Classes/shop.yaml:30: method log: Scope is of the format 1.4")


@pytest.mark.parametrize(
    ("parameter", "told"),
    [
        ("{type: number, default: many}", "the default 'many' is no number"),
        ("{type: number, default: '5'}", None),
        ("{type: boolean, default: perhaps}", "the default 'perhaps' is no boolean"),
        ("{type: boolean, default: off}", None),
        ("{type: json, default: '{'}", "the default '{' is no json"),
        ("{type: json, default: {a: 1}}", None),
        ("{type: string, default: [a]}", "the default ['a'] is no string"),
        ("{type: comma_delimited_list, default: 5}", "the default 5 is no comma_delimited_list"),
        ("{type: string, default: abc, constraints: [{length: {max: 2}}]}", "the default 'abc' is refused"),
        ("{type: number, default: 5, constraints: [{range: {min: 6}, description: Six!}]}", "is refused: Six!"),
        ("{type: number, default: 5, constraints: [{range: {min: 5}}, {modulo: {step: 2, offset: 1}}]}", None),
        ("{type: number, default: 6, constraints: [{modulo: {step: 2, offset: 1}}]}", "the default 6 is refused"),
        ("{type: string, default: b, constraints: [{allowed_values: [a, c]}]}", "the default 'b' is refused"),
        ("{type: string, default: 5, constraints: [{allowed_values: [5, c]}]}", None),
        ("{type: string, default: ab, constraints: [{allowed_pattern: a}]}", "the default 'ab' is refused"),
        ("{type: comma_delimited_list, default: 'a, b', constraints: [{allowed_values: [a, b]}]}", None),
        ("{type: comma_delimited_list, default: 'a,c', constraints: [{allowed_values: [a, b]}]}", "is refused"),
        ("{type: string, default: m1, constraints: [{custom_constraint: nova.flavor}]}", None),
    ],
)  # fmt: skip
def test_defaults_in_templates_of_heat_meet_their_constraints(parameter, told):
    template = f"heat_template_version: x\nparameters:\n  size: {parameter}\nresources: {{a: {{type: x}}}}\n"
    lines = found({"manifest.yaml": HOT_MANIFEST, "template.yaml": template})
    assert len(lines) == (told is not None), lines
    assert all(line.startswith("template.yaml:3: parameter size: ") and told in line for line in lines)


def test_names_in_templates_of_heat_that_yaml_takes_for_something_else():
    template = """\
        heat_template_version: 2013-05-23
        parameter_groups:
          - parameters: [no, fine, '4']
        parameters:
          yes: {type: string}
          on: {type: string}
          3: {type: string}
          ~: {type: string}
          '4': {type: string}
          2014-01-02: {type: string}
          fine: {type: string}
        resources:
          off: {type: x}
          server:
            type: x
            properties:
              a: {get_param: yes}
              b: {get_param: [3, x]}
              c: {get_param: 2014-01-02}
              d: {get_resource: off}
              on: true
        outputs:
          2: {value: x}
    """
    lines = found({"manifest.yaml": HOT_MANIFEST, "template.yaml": template})
    assert {line.partition(": numbers and")[0] for line in lines} == {
        "template.yaml:3: parameter_groups: a name is read as false",
        "template.yaml:5: the key yes is read as true: quote it",
        "template.yaml:6: parameters: a name is read as true",
        "template.yaml:6: the key on is read as true: quote it",
        "template.yaml:7: parameters: a name is read as 3",
        "template.yaml:8: parameters: a name is read as null",
        "template.yaml:13: resources: a name is read as false",
        "template.yaml:13: the key off is read as false: quote it",
        "template.yaml:17: get_param: a name is read as true",
        "template.yaml:18: get_param: a name is read as 3",
        "template.yaml:20: get_resource: a name is read as false",
        "template.yaml:21: the key on is read as true: quote it",
        "template.yaml:23: outputs: a name is read as 2",
    }


def test_a_good_template_of_heat_has_no_findings():
    files = {"manifest.yaml": HOT_MANIFEST, "template.yaml": TEMPLATE}
    assert found({**files, "Resources/HotFiles/nested/server.yaml": "x: 1"}) == []


def test_mistakes_of_templates_of_heat():
    template = """\
        heat_template: x
        parameters:
          flavor: {type: strng}
          size: {type: number}
        resources:
          server:
            type: nested.yaml
            properties:
              flavor: {get_param: flavor}
              size: {get_param: [sise, 1]}
              disk: {get_resource: disk}
              data: {get_file: data.txt}
              own: {get_param: "OS::stack_id"}
              web: {get_file: "http://example.com/x"}
          disk2: {}
        outputs:
          address: {value: {get_attr: [sever, address]}}
    """
    assert found({"manifest.yaml": HOT_MANIFEST, "template.yaml": template}) == [
        "template.yaml:1: a template has no key 'heat_template' (known: conditions, description, "
        "heat_template_version, outputs, parameter_groups, parameters, resources)",
        "template.yaml:1: the template needs the key heat_template_version",
        "template.yaml:3: parameter flavor: type strng is none of string, number, boolean, json, "
        "comma_delimited_list",
        "template.yaml:7: there is no nested template Resources/HotFiles/nested.yaml",
        "template.yaml:10: there is no parameter sise",
        "template.yaml:11: there is no resource disk",
        "template.yaml:12: there is no file Resources/HotFiles/data.txt",
        "template.yaml:15: resource disk2 needs a type",
        "template.yaml:17: there is no resource sever",
    ]
    assert found({"manifest.yaml": HOT_MANIFEST}) == [".: the package has no template.yaml at its top"]


PLAN = """\
FormatVersion: 2.0.0
Version: 1.0.0
Name: Say hello
Parameters: {who: $who}
Body: |
  if args.who:
      hello(args.who)
  return 1
Scripts:
  hello: {Type: Application, Version: 1.0.0, EntryPoint: hello.sh}
"""
WITH_PLAN = {
    **changed("$resources.string('hello.txt')", "$resources.yaml('Hello.template')"),
    "Resources/Hello.template": PLAN,
    "Resources/scripts/hello.sh": "#!/bin/sh\n",
}


def test_a_good_plan_has_no_findings():
    assert found(WITH_PLAN) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "EntryPoint: hello.sh",
            "EntryPoint: hullo.sh",
            "10: Scripts/hello/EntryPoint: the package has no file",
        ),
        (", EntryPoint: hello.sh", "", "10: Scripts/hello/EntryPoint: is missing"),
        ("Type: Application", "Type: Programme", "10: Scripts/hello/Type"),
        ("2.0.0", "7.0.0", "1: "),
        ("if args.who:", "if args.who", "6: Body: line 1: expected ':'"),
        ("return 1", "return ]", "8: Body: line 3: unmatched ']'"),
        ("Scripts:", "Scripts: [", "11: invalid YAML"),
        ("{who: $who}", "{no: $who}", "4: the key no is read as false: quote it"),
        ("Version: 1.0.0\n", "Verson: 1.0.0\n", "2: warning: a plan has no key 'Verson'"),
        ("Type: App", "Tpye: 1, Type: App", "10: warning: Scripts/hello has no key 'Tpye'"),
        (
            "hello.sh}",
            "hello.sh, Options: {captureStdOut: true}}",
            "10: warning: Scripts/hello/Options has no key",
        ),
    ],
)
def test_mistakes_of_plans(old, new, told):
    lines = found({**WITH_PLAN, "Resources/Hello.template": PLAN.replace(old, new, 1)})
    assert any(one.startswith(f"Resources/Hello.template:{told}") for one in lines), lines


# The command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(data).lstrip("\n"))
    return tmp_path / "shop"


def test_the_command_tells_each_finding_in_a_line(folder, capsys):
    assert main(["package", "check", str(folder)]) == 0
    assert capsys.readouterr().out == ""
    manifest = folder / "manifest.yaml"
    manifest.write_text(manifest.read_text() + "Nme: x\n")
    assert main(["package", "check", str(folder)]) == 1
    assert capsys.readouterr().out.startswith(f"{manifest}:5: a manifest has no key 'Nme'")


def test_the_command_gives_json(folder, capsys):
    (folder / "images.lst").write_text("Images: 5\n")
    assert main(["package", "check", "--json", str(folder)]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {
            "package": str(folder),
            "file": "images.lst",
            "line": 1,
            "level": "error",
            "message": "the file has the key Images with a list of images",
        }
    ]


def test_the_command_knows_the_core_library(folder, capsys):
    shop = folder / "Classes" / "shop.yaml"
    shop.write_text(shop.read_text().replace("std:Environment", "std:Environmnt", 1))
    assert main(["package", "check", str(folder)]) == 1
    assert f"{shop}:3: Extends: there is no class io.murano.Environmnt" in capsys.readouterr().out


def test_the_command_takes_required_packages_beside(folder, tmp_path, capsys):
    shop = folder / "Classes" / "shop.yaml"
    shop.write_text(shop.read_text().replace("std:Environment", "com.other.Thing", 1))
    manifest = folder / "manifest.yaml"
    manifest.write_text(manifest.read_text() + "Require: {com.other: 1}\n")
    assert main(["package", "check", str(folder)]) == 0
    other = tmp_path / "other.zip"
    other.write_bytes(archive({"manifest.yaml": "FullName: com.other\nVersion: 1.0.0\n"}))
    assert main(["package", "check", str(folder), "--with", str(other)]) == 1
    assert f"{shop}:3: Extends: there is no class com.other.Thing" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["check", "nowhere"], ["pack", "nowhere"]])
def test_the_command_without_a_package(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["package", *arguments]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_a_folder_is_packed(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["package", "pack", str(folder)]) == 0
    assert capsys.readouterr().out == "com.shop.zip\n"
    assert main(["package", "check", "com.shop.zip"]) == 0
    assert main(["package", "pack", str(folder), "-o", str(tmp_path / "no" / "x.zip")]) == 1
