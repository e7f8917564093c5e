"""Definitions are read, and what is wrong with one is told with file, line and what would be right."""

from __future__ import annotations

import textwrap

import pytest

from knarr.services.application_catalog.forms.faults import DefinitionFault
from knarr.services.application_catalog.forms.reader import inspect, read
from knarr.services.application_catalog.language.source import Expression
from knarr.services.application_catalog.packages.faults import PackageFault

from .support import define, with_field

WHOLE = """
    Version: 2.4
    Parameters:
      sizes: [1, 2]
    ParametersSource: com.example.Shop.defaults
    Templates:
      node:
        ?: {type: com.example.Node}
        name: generateHostname($.app.pattern, $index)
    Application:
      ?:
        type: com.example.Shop
        classVersion: 1.2.0
        package: com.example.Shop
      nodes: repeat($node, 2)
    Forms:
      - app:
          fields:
            - name: pattern
              type: string
              minLength: 2
              helpText: a pattern
          validators:
            - expr: $.app.pattern != x
              message: not x
      - more:
          region: $.app.pattern
          fields: []
"""


def fault(text: str, version: str | None = "2.4") -> str:
    with pytest.raises(DefinitionFault) as raised:
        define(text, version)
    return str(raised.value)


def field_fault(spec: str, version: str = "2.4") -> str:
    with pytest.raises(DefinitionFault) as raised:
        with_field(spec, version)
    return str(raised.value)


class TestSections:
    def test_all_of_them(self) -> None:
        made = define(WHOLE)
        assert made.version == (2, 4)
        assert made.parameters == {"sizes": [1, 2]}
        assert made.parameters_source is not None
        assert (made.parameters_source.class_name, made.parameters_source.method) == (
            "com.example.Shop",
            "defaults",
        )
        assert list(made.templates) == ["node"]
        assert isinstance(made.application["nodes"], Expression)
        assert [form.name for form in made.forms] == ["app", "more"]
        assert made.forms[1].region == Expression("$.app.pattern", None, made.forms[1].position)
        assert made.warnings == ()

    def test_a_field_keeps_its_place(self) -> None:
        field = define(WHOLE).forms[0].fields[0]
        assert (str(field.position), str(field.places["min_length"])) == ("ui.yaml:18", "ui.yaml:20")
        assert field.attributes == {"min_length": 2, "help_text": "a pattern"}

    def test_attributes_may_be_written_either_way(self) -> None:
        field = with_field("name: x\ntype: string\nmin_length: 2\nmaxLength: 3").forms[0].fields[0]
        assert field.attributes == {"min_length": 2, "max_length": 3}

    def test_section_names_may_begin_small(self) -> None:
        assert define("application:\n  ?: {type: t.App}\nForms: []").application["?"]["type"] == "t.App"

    def test_a_method_without_class_is_the_application_s(self) -> None:
        source = define("ParametersSource: defaults\nForms: []").parameters_source
        assert source is not None
        assert (source.class_name, source.method) == (None, "defaults")

    def test_bytes_are_utf8(self) -> None:
        with pytest.raises(DefinitionFault, match=r"ui.yaml:1: the file is not UTF-8"):
            read(b"Version: \xff", "ui.yaml")

    def test_faults_are_faults_of_packages(self) -> None:
        with pytest.raises(PackageFault):
            read("[]", "ui.yaml")


class TestVersions:
    @pytest.mark.parametrize(
        ("written", "version"),
        [
            ("1.0", (1, 0)),
            ("1", (1, 0)),
            ("2", (2, 0)),
            ("2.0", (2, 0)),
            ("2.1", (2, 1)),
            ("2.2", (2, 2)),
            ("2.3", (2, 3)),
            ("2.4", (2, 4)),
            ("'2.3'", (2, 3)),
            ("2.4.0", (2, 4)),
        ],
    )
    def test_known(self, written: str, version: tuple[int, int]) -> None:
        assert define("Forms: []", written).version == version

    def test_missing_is_the_latest(self) -> None:
        assert define("Forms: []", None).version == (2, 4)

    def test_missing_in_a_definition_of_the_first_version(self) -> None:
        assert define("forms: []", None).version == (1, 0)

    @pytest.mark.parametrize("written", ["3.0", "2.5", "0.9", "1.1"])
    def test_unknown(self, written: str) -> None:
        assert fault("Forms: []", written) == (
            f"ui.yaml:1: Version {written} is not known to this dashboard "
            "(known: 1.0, 2.0, 2.1, 2.2, 2.3, 2.4)"
        )

    @pytest.mark.parametrize("written", ["latest", "[2]", "true", "-1", "2.x", "''"])
    def test_no_version(self, written: str) -> None:
        assert fault("Forms: []", written) == "ui.yaml:1: Version must be MAJOR.MINOR, e.g. 2.4"

    @pytest.mark.parametrize(
        ("version", "spec", "what"),
        [
            ("2.0", "name: x\ntype: network", "the type network came with version 2.1"),
            ("2.0", "name: x\ntype: network\nallow_auto: false", "x: allowAuto came with version 2.1"),
            ("2.2", "name: x\ntype: password\nconfirmInput: false", "x: confirmInput came with version 2.3"),
            (
                "2.2",
                "name: x\ntype: password\nregexpValidator: .*",
                "x: a password's own validators came with",
            ),
            (
                "2.3",
                "name: x\ntype: choice\nchoices: {a: A}",
                "x: choices as a mapping came with version 2.4",
            ),
            ("2.3", "name: x\ntype: string\ninitial: 1 + 1", "x: an expression in the first form came with"),
        ],
    )
    def test_what_is_newer_works_with_a_warning(self, version: str, spec: str, what: str) -> None:
        assert any(what in str(warning) for warning in with_field(spec, version).warnings)
        assert with_field(spec, "2.4").warnings == ()

    @pytest.mark.parametrize("section", ["Parameters: {a: 1}", "ParametersSource: a.b"])
    def test_parameters_came_with_2_4(self, section: str) -> None:
        (warning,) = define(f"{section}\nForms: []", "2.3").warnings
        assert str(warning).endswith(
            "came with version 2.4 and this definition says 2.3: older dashboards will not know it"
        )

    def test_tables_and_instances_are_gone(self) -> None:
        assert "'table' is no type of fields" in field_fault("name: x\ntype: table")
        assert field_fault("name: x\ntype: instance").endswith("; it is of version 1.0 only")
        assert "a field has no attribute 'attributeNames'" in field_fault(
            "name: x\ntype: string\nattributeNames: y"
        )


class TestSectionMisuse:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("Forms: {}", "ui.yaml:2: Forms is a list, each entry a form's name with its fields"),
            ("Templates: {}", "ui.yaml:1: the section Forms is required: a list of forms"),
            ("Forms: []\nTemplats: {}", "ui.yaml:3: there is no section 'Templats' (known: "),
            ("Forms: []\nTemplates: [a]", "ui.yaml:3: Templates maps names to values"),
            ("Forms: []\nTemplates: {a-b: 1}", "ui.yaml:3: Templates: 'a-b' is no name"),
            ("Forms: []\nParameters: {_a: 1}", "ui.yaml:3: Parameters: '_a' is no name"),
            ("Forms: []\nParameters: {index: 1}", "ui.yaml:3: Parameters: $index has a meaning of its own"),
            (
                "Forms: []\nTemplates: {a: 1}\nParameters: {a: 1}",
                "ui.yaml:3: 'a' is both a template and a parameter",
            ),
            ("Forms: []\nParametersSource: [a]", "ui.yaml:3: ParametersSource must be Class.method"),
            ("Forms: []\nParametersSource: 'a b'", "ui.yaml:3: ParametersSource must be Class.method"),
            ("Forms: []\nApplication: [a]", "ui.yaml:3: Application must be a mapping with a header '?'"),
            ("Forms: []\nApplication:\n  a: 1", "ui.yaml:3: Application must be a mapping with a header '?'"),
            ("Forms: []\nApplication:\n  ?: {}", "ui.yaml:4: a header '?' needs the type"),
            ("Forms: []\nApplication:\n  ?: {type: [a]}", "ui.yaml:4: the header's type must be text"),
            (
                "Forms: []\nApplication:\n  ?: {type: a.B, clasVersion: 1}",
                "ui.yaml:4: a header '?' has no 'clasVersion' (known: type, classVersion, package, name, id",
            ),
            (
                "Forms: []\nApplication:\n  ?: {type: a.B, classVersion: [1]}",
                "ui.yaml:4: the header's classVersion must be a version",
            ),
            (
                "Forms: []\nApplication:\n  ?: {type: a.B}\n  x: [{y: {?: {type: a.C}}}]",
                "ui.yaml:5: a key is empty: between braces, the header must be quoted",
            ),
            (
                "Forms: []\nTemplates:\n  a:\n    on: 1",
                "ui.yaml:5: a key is read as true: words like on, off, yes, no must be quoted",
            ),
            (
                "Forms: []\nTemplates:\n  a:\n    b:\n    - ?: text",
                "ui.yaml:6: a header '?' is a mapping with at least a type",
            ),
        ],
    )
    def test_told(self, text: str, message: str) -> None:
        assert fault(text).startswith(message)

    def test_a_near_word_is_offered(self) -> None:
        assert fault("Forms: []\nTemplats: {}").endswith("; did you mean 'Templates'?")

    def test_a_section_of_others_is_left_alone(self) -> None:
        (warning,) = define("Forms: []\nMaintainer: somebody").warnings
        assert "there is no section 'Maintainer'" in str(warning)

    def test_application_is_required(self) -> None:
        with pytest.raises(DefinitionFault, match=r"ui.yaml:1: the section Application is required"):
            read("Forms: []", "ui.yaml")

    @pytest.mark.parametrize("text", ["", "[]", "--- {}\n--- {}", "just text"])
    def test_no_mapping(self, text: str) -> None:
        with pytest.raises(DefinitionFault, match=r"ui.yaml:1: a UI definition is one mapping"):
            read(text, "ui.yaml")


class TestFormMisuse:
    @pytest.mark.parametrize(
        ("forms", "message"),
        [
            ("- app", "ui.yaml:2: an entry of Forms is one name with a mapping"),
            (
                "- {a: {fields: []}, b: {fields: []}}",
                "ui.yaml:3: an entry of Forms is one name with a mapping",
            ),
            ("- app: []", "ui.yaml:3: the form app needs a list 'fields'"),
            ("- app: {field: []}", "ui.yaml:3: the form app needs a list 'fields'"),
            ("- app: {fields: {}}", "ui.yaml:3: fields is a list of fields"),
            ("- app: {fields: [x]}", "ui.yaml:3: a field is a mapping with at least name and type"),
            (
                "- app: {fields: [], validator: []}",
                "ui.yaml:3: a form has no 'validator' (known: fields, valid",
            ),
            ("- my-form: {fields: []}", "ui.yaml:3: 'my-form' is no name of a form"),
            ("- app: {fields: []}\n- app: {fields: []}", "ui.yaml:4: there are two forms 'app'"),
            (
                "- workflowManagement: {fields: []}",
                "ui.yaml:3: the name workflowManagement belongs to the form for the application's name",
            ),
            (
                "- app:\n    fields:\n    - {name: a, type: string}\n    - {name: a, type: text}",
                "ui.yaml:6: the form app has two fields 'a'",
            ),
            (
                "- app: {fields: [], validators: {}}",
                "ui.yaml:3: validators is a list, each entry with expr and",
            ),
            (
                "- app: {fields: [], validators: [x]}",
                "ui.yaml:3: a validator is a mapping with expr and message",
            ),
        ],
    )
    def test_told(self, forms: str, message: str) -> None:
        indented = "\n".join(f"  {line}" for line in forms.splitlines())
        assert fault(f"Forms:\n{indented}").startswith(message)

    def test_a_pattern_is_for_fields(self) -> None:
        with pytest.raises(DefinitionFault, match="regexpValidator is for a field"):
            with_field("name: x\ntype: string", validators="- expr: {regexpValidator: a}\n  message: m")


class TestFieldMisuse:
    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ("type: string", "ui.yaml:5: a field needs a name"),
            ("name: x", "ui.yaml:5: a field needs a type"),
            (
                "name: on\ntype: string",
                "ui.yaml:5: name: it is read as true: words like on, off, yes, no must",
            ),
            ("name: 1x\ntype: string", "ui.yaml:5: name: '1x' must begin with a letter"),
            ("name: [x]\ntype: string", "ui.yaml:5: name: \"['x']\" must begin with a letter"),
            (
                "name: x\ntype: strnig",
                "ui.yaml:6: x: 'strnig' is no type of fields and no full name of a class",
            ),
            ("name: x\ntype: [io.murano.A, 5]", "ui.yaml:6: x: '5' is no type of fields"),
            (
                "name: x\ntype: string\nlable: X",
                "ui.yaml:7: x: a field has no attribute 'lable'; did you mean 'lab",
            ),
            (
                "name: x\ntype: string\nminValue: 1",
                "ui.yaml:7: x: minValue is an attribute of integer, not of str",
            ),
            (
                "name: x\ntype: boolean\nmaxLength: 1",
                "ui.yaml:7: x: maxLength is an attribute of clusterip, data",
            ),
            (
                "name: x\ntype: string\nchoices: []",
                "ui.yaml:7: x: choices is an attribute of choice, not of string",
            ),
            (
                "name: x\ntype: string\nconfirmInput: true",
                "ui.yaml:7: x: confirmInput is an attribute of password",
            ),
            (
                "name: x\ntype: string\nimageType: linux",
                "ui.yaml:7: x: imageType is an attribute of image, not",
            ),
            (
                "name: x\ntype: string\nrequirements: {}",
                "ui.yaml:7: x: requirements is an attribute of flavor",
            ),
            ("name: x\ntype: string\nallow_auto: true", "ui.yaml:7: x: allowAuto is an attribute of network"),
            (
                "name: x\ntype: string\nfilter: a",
                "ui.yaml:7: x: filter is an attribute of network, not of string",
            ),
            (
                "name: x\ntype: azone\ninclude_volumes: true",
                "ui.yaml:7: x: includeVolumes is an attribute of vol",
            ),
            (
                "name: x\ntype: string\nminLength: -1",
                "ui.yaml:7: x: minLength must be a whole number from 0 up",
            ),
            ("name: x\ntype: string\nminLength: two", "ui.yaml:7: x: minLength must be a whole number"),
            ("name: x\ntype: integer\nmaxValue: 1.5", "ui.yaml:7: x: maxValue must be a whole number"),
            ("name: x\ntype: integer\nmaxValue: true", "ui.yaml:7: x: maxValue must be a whole number"),
            (
                "name: x\ntype: integer\nminValue: 3\nmaxValue: 2",
                "ui.yaml:7: x: minValue 3 is more than maxValue 2",
            ),
            (
                "name: x\ntype: string\nmaxLength: 1\nminLength: 2",
                "ui.yaml:8: x: minLength 2 is more than maxLength 1",
            ),
            ("name: x\ntype: string\nrequired: maybe", "ui.yaml:7: x: required must be true or false"),
            ("name: x\ntype: string\nhidden: 1", "ui.yaml:7: x: hidden must be true or false"),
            ("name: x\ntype: string\nlabel: [a]", "ui.yaml:7: x: label must be text"),
            (
                "name: x\ntype: string\nregexpValidator: '['",
                "ui.yaml:7: x: regexpValidator '[' is no regular expr",
            ),
            (
                "name: x\ntype: string\nregexpValidator: 5",
                "ui.yaml:7: x: regexpValidator must be a regular expre",
            ),
            (
                "name: x\ntype: string\nregexpValidator: /a/q",
                "ui.yaml:7: x: regexpValidator there is no flag 'Q'",
            ),
            ("name: x\ntype: choice", "ui.yaml:5: x: a field of type choice needs choices"),
            ("name: x\ntype: choice\nchoices: abc", "ui.yaml:7: x: choices must be a list of pairs"),
            (
                "name: x\ntype: choice\nchoices: [a, b]",
                "ui.yaml:7: x: choices 'a' is no choice: each is a pair",
            ),
            (
                "name: x\ntype: choice\nchoices: [[a, b, c]]",
                "ui.yaml:7: x: choices \"['a', 'b', 'c']\" is no choi",
            ),
            (
                "name: x\ntype: choice\nchoices: [[1, a], ['1', b]]",
                "ui.yaml:5: x: two of the choices have the same",
            ),
            ("name: x\ntype: string\nerrorMessages: no", "ui.yaml:7: x: errorMessages must be a mapping"),
            ("name: x\ntype: string\nerrorMessages: {bad: x}", "ui.yaml:7: x: errorMessages has no key bad"),
            (
                "name: x\ntype: string\nwidgetMedia: x",
                "ui.yaml:7: x: widgetMedia must be a mapping {js: [files]",
            ),
            (
                "name: x\ntype: string\nwidgetMedia: {js: ['https://x/y.js']}",
                "ui.yaml:7: x: widgetMedia 'https://x",
            ),
            (
                "name: x\ntype: string\nwidgetMedia: {js: [//x/y.js]}",
                "ui.yaml:7: x: widgetMedia '//x/y.js' must be",
            ),
            (
                "name: x\ntype: string\nwidgetMedia: {js: [../y.js]}",
                "ui.yaml:7: x: widgetMedia '../y.js' must be a",
            ),
            (
                "name: x\ntype: string\nwidgetMedia: {css: [a.css]}",
                "ui.yaml:7: x: widgetMedia css must be a mapp",
            ),
            (
                "name: x\ntype: string\nwidgetAttrs: {onclick: y}",
                "ui.yaml:7: x: widgetAttrs the attribute 'onclick'",
            ),
            (
                "name: x\ntype: flavor\nrequirements: small",
                "ui.yaml:7: x: requirements must be a mapping with some",
            ),
            ("name: x\ntype: flavor\nrequirements: {cpus: 1}", "ui.yaml:7: x: requirements has no key cpus"),
            (
                "name: x\ntype: flavor\nrequirements: {min_disk: a}",
                "ui.yaml:7: x: requirements min_disk must be a",
            ),
            (
                "name: x\ntype: network\nmurano_networks: hide",
                "ui.yaml:7: x: muranoNetworks must be exclude or tr",
            ),
            ("name: x\ntype: string\nvalidators: {expr: $}", "ui.yaml:7: validators is a list"),
            (
                "name: x\ntype: string\nvalidators: [{message: m}]",
                "ui.yaml:7: a validator is a mapping with expr",
            ),
            (
                "name: x\ntype: string\nvalidators: [{expr: $, text: m}]",
                "ui.yaml:7: a validator has no 'text'",
            ),
            (
                "name: x\ntype: string\nvalidators: [{expr: '$ > 1'}]",
                "ui.yaml:7: expr '$ > 1' is no YAQL express",
            ),
            (
                "name: x\ntype: string\nvalidators: [{expr: true}]",
                "ui.yaml:7: expr 'True' is no YAQL expression",
            ),
            (
                "name: x\ntype: string\nvalidators: [{expr: {a: b}}]",
                "ui.yaml:7: expr is an expression, or {rege",
            ),
            (
                "name: x\ntype: string\nvalidators: [{expr: {regexpValidator: '('}}]",
                "ui.yaml:7: regexpValidator:",
            ),
            (
                "name: x\ntype: string\nvalidators: [{expr: $, message: [a]}]",
                "ui.yaml:7: a validator's message",
            ),
        ],
    )
    def test_told(self, spec: str, message: str) -> None:
        assert field_fault(spec).startswith(message)

    def test_a_quoted_expression_is_explained(self) -> None:
        told = field_fault("name: x\ntype: string\nvalidators: [{expr: '$ > 1'}]")
        assert told.endswith(
            "it is quoted, which makes it text (take the quotes away or write !yaql before it)"
        )

    def test_warnings(self) -> None:
        made = with_field("name: a-b\ntype: choice\nchoices: [[a, A]]\ninitial: c\nvalidators: [{expr: $}]")
        assert [str(warning) for warning in made.warnings] == [
            "ui.yaml:5: the field 'a-b' cannot be written as $.form.a-b: use '_'",
            "ui.yaml:5: a-b: initial 'c' is none of the choices",
            "ui.yaml:9: a validator without a message leaves its user without a hint",
        ]


class TestTextThatWasMeantAsExpression:
    @pytest.mark.parametrize("text", ["$.app.count +", "concat(a $.app.count)", "$x y"])
    def test_is_warned_of(self, text: str) -> None:
        made = define(f"Forms: []\nApplication:\n  ?: {{type: a.B}}\n  x:\n    - y: {text}")
        assert made.application["x"] == [{"y": text}]
        (warning,) = made.warnings
        assert str(warning).startswith(f"ui.yaml:6: {text!r} is taken as text, as it is no expression: ")

    def test_quoted_text_is_what_it_is(self) -> None:
        assert define("Forms: []\nApplication:\n  ?: {type: a.B}\n  x: '$.app.count +'").warnings == ()


class TestReferences:
    FORMS = """Forms:
  - one:
      fields: [{name: a, type: string}]
  - two:
      fields: [{name: b, type: string}]
"""

    @pytest.mark.parametrize(
        ("expression", "told"),
        [
            ("$.on.a", "$.on.a: the form 'on' is not there; did you mean 'one'?"),
            ("$.far.a[0]", "$.far.a[0]: the form 'far' is not there"),
        ],
    )
    def test_to_forms_that_are_not_there(self, expression: str, told: str) -> None:
        text = f"Application:\n  ?: {{type: a.B}}\n  x: [{{y: '!'}}]\n  z: {expression}\n{self.FORMS}"
        assert fault(text) == f"ui.yaml:5: {told}"
        assert fault(f"Templates:\n  t: {expression}\n{self.FORMS}") == f"ui.yaml:3: {told}"

    def test_to_fields_that_are_not_there(self) -> None:
        (warning,) = define(f"Templates:\n  t: $.one.aa\n{self.FORMS}").warnings
        assert str(warning) == (
            "ui.yaml:3: $.one.aa is null: the form 'one' has no field 'aa'; did you mean 'a'?"
        )

    def test_to_forms_that_come_later(self) -> None:
        first = "Forms:\n  - one:\n      fields: [{name: a, type: string, initial: $.two.b}]\n"
        assert fault(f"{first}  - two:\n      fields: [{{name: b, type: string}}]") == (
            "ui.yaml:4: $.two.b: the form 'two' comes later"
        )

    def test_of_validators(self) -> None:
        validators = "      validators: [{expr: $.far.b, message: m}]\n"
        assert fault(self.FORMS + validators) == "ui.yaml:7: $.far.b: the form 'far' is not there"

    @pytest.mark.parametrize(
        "expression",
        [
            "$.one.a",
            "$.two.b[0]",
            "$.workflowManagement.application_name",
            "$.x",
            "$.get(x).y",
            "$x.y",
            "$.x.y()",
        ],
    )
    def test_that_are_good_or_left_alone(self, expression: str) -> None:
        text = f"Parameters: {{x: {{y: 1}}}}\nTemplates:\n  t: {expression}\n{self.FORMS}"
        assert define(text).warnings == ()


class TestInspection:
    TEXT = """
        Version: 9.9
        Templats: {}
        Aplication: {}
        Templates:
          a-b: 1
          index: 2
          good: {?: {typ: x}, yes: 1}
        Parameters: {good: 1, -: 2}
        Application:
          ?: {type: a.B, clasVersion: 1}
          image: ubuntu-22.04
          disk: 10.0.0.0/24
          far: $.thre.x
          right: $.one.a
          wrong: $.one.z
        ParametersSource: 'x y'
        Forms:
          - one:
              filds: []
              fields:
                - {name: a, type: strin, lable: x, minLength: -1}
                - name: b
                  type: integer
                  minValue: x
                  maxLength: 3
                  validators:
                    - {message: m}
                    - {expr: $, messag: m}
                - {type: string, required: perhaps}
                - {name: c, type: string, validators: x, label: a-b-c/d, initial: [a-b, c-d]}
              validators: {}
          - two
          - one: {fields: []}
    """
    LINES = (1, 2, 3, 5, 6, 7, 7, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21, 21, 21, 24, 27, 28, 29, 29)
    LINES += (30, 30, 30, 31, 33)

    def test_tells_all_that_is_wrong(self) -> None:
        found = inspect(textwrap.dedent(self.TEXT).lstrip(), "ui.yaml")
        told = sorted(str(fault) for fault in found.faults)
        lines = sorted(int(one.split(":")[1]) for one in told)
        assert lines == list(self.LINES), "\n".join(told)

    def test_fields_that_are_wrong_are_there_for_those_who_name_them(self) -> None:
        found = inspect(textwrap.dedent(self.TEXT).lstrip(), "ui.yaml")
        warned = [str(one) for one in found.warnings if "no field" in str(one)]
        assert warned == ["ui.yaml:15: $.one.z is null: the form 'one' has no field 'z'"]

    def test_warns_of_what_is_doubtful(self) -> None:
        text = "Version: 2.0\nApplication:\n  ?: {type: a.B}\nParameters: {a: 1}\nForms: []"
        found = inspect(text, "ui.yaml")
        assert found.definition is not None
        assert found.faults == []
        assert [str(warning).split(": ")[0] for warning in found.warnings] == ["ui.yaml:4"]

    def test_of_what_is_no_definition(self) -> None:
        (fault,) = inspect("a: [", "ui.yaml").faults
        assert str(fault).startswith("ui.yaml:2: invalid YAML")


class TestTextThatIsReadAsExpression:
    @pytest.mark.parametrize("text", ["ubuntu-22.04", "10.0.0.0/24", "on/off", "a-b", "Key=Value-1"])
    @pytest.mark.parametrize(
        ("sections", "what"),
        [
            ("Application:\n  ?: {type: a.B}\n  x: [TEXT]\nForms: []", "Application"),
            ("Templates:\n  t:\n    x: TEXT\nForms: []", "Templates"),
            ("Parameters:\n  a: 1\n  x: TEXT\nForms: []", "Parameters"),
        ],
    )
    def test_in_sections(self, text: str, sections: str, what: str) -> None:
        assert fault(sections.replace("TEXT", text)) == (
            f"ui.yaml:4: {what}: {text!r} is read as an expression and cannot be evaluated: "
            "quote it if it is text"
        )

    def test_in_fields(self) -> None:
        told = "x: initial: 'a-b' is read as an expression and cannot be evaluated: quote it if it is text"
        assert field_fault("name: x\ntype: string\ninitial: a-b") == f"ui.yaml:7: {told}"
        assert "x: choices: 'c/d' is read as" in field_fault("name: x\ntype: choice\nchoices: [[a, c/d]]")

    def test_what_can_be_evaluated_may_be_meant(self) -> None:
        assert define("Parameters: {a: 1-2, b: x=y, c: '10.0.0.0/24', d: 10.0.0.1}\nForms: []").warnings == ()


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a: !!python/object:os.system {}", "the tag tag:yaml.org,2002:python/object:os.system is not"),
            ("a: !include b", "the tag !include is not allowed"),
            ("a: [", "invalid YAML"),
            ("a: &a [*a]", "nested deeper than 64 levels"),
            ("a: !yaql '1 +'", "is no YAQL expression"),
            ("? [a]\n: b", "a key must be a scalar"),
        ],
    )
    def test_yaml(self, text: str, message: str) -> None:
        assert message in fault(f"Forms: []\n{text}")

    def test_aliases_do_not_explode(self) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
        assert "an alias is used too often" in fault("Forms: []\n" + "\n".join(lines))

    def test_many_forms(self) -> None:
        forms = "".join(f"\n  - f{number}: {{fields: []}}" for number in range(101))
        assert fault(f"Forms:{forms}").endswith("more than 100 forms")

    def test_many_fields(self) -> None:
        fields = "".join(f"\n      - {{name: f{number}, type: string}}" for number in range(1001))
        assert fault(f"Forms:\n  - app:\n      fields:{fields}").endswith("more than 1000 fields")

    def test_a_long_pattern(self) -> None:
        told = field_fault(f"name: x\ntype: string\nregexpValidator: '{'a' * 5000}'")
        assert "a regular expression may have 4096 characters, not 5000" in told
