"""Heat.HOT packages: the class and the form that are made of a template."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests.unit.application_catalog.conftest import archive

from knarr.services.application_catalog.language.errors import ContractViolation
from knarr.services.application_catalog.language.pythonclass import murano_class
from knarr.services.application_catalog.language.session import Session
from knarr.services.application_catalog.packages import hot
from knarr.services.application_catalog.packages.catalogue import Catalogue
from knarr.services.application_catalog.packages.faults import PackageFault
from knarr.services.application_catalog.packages.package import ApplicationPackage

MANIFEST = """
    Format: Heat.HOT/1.0
    Type: Application
    FullName: com.example.Wiki
    Name: Wiki
    Version: 1.2.0
    Description: A wiki on one server
"""

TEMPLATE = """
    heat_template_version: 2013-05-23
    description: a + b
    parameter_groups:
      - label: Server
        description: Where it runs
        parameters: [flavor, size]
    parameters:
      flavor:
        type: string
        constraints:
          - custom_constraint: nova.flavor
      size:
        type: number
        default: 2
        constraints:
          - range: {min: 1, max: 10}
            description: From one to ten
          - modulo: {step: 2}
      db-name:
        type: string
        label: Database
        description: Name of the database
        constraints:
          - length: {min: 2, max: 8}
          - allowed_pattern: "[a-z]+|it's"
            description: Small letters only
      mode: {type: string, default: slow, constraints: [{allowed_values: [slow, fast, 5]}]}
      ratio: {type: number, default: 0.5, constraints: [{range: {min: 0, max: 1}}]}
      debug: {type: boolean, default: false}
      secret: {type: string, hidden: true}
      names:
        type: comma_delimited_list
        default: [a, b]
        constraints: [{allowed_values: [a, b, c]}, {length: {max: 2}}]
      extra: {type: json, default: {}}
    resources:
      server: {type: nested/server.yaml, properties: {flavor: {get_param: flavor}}}
    outputs:
      address: {value: {get_attr: [server, first_address]}}
"""

GIVEN = {"flavor": "m1", "db-name": "wiki", "secret": "s"}

CORE = {
    "manifest.yaml": """
        Format: 1.4
        Type: Library
        FullName: io.murano
        Version: 0.1.0
        Classes:
          io.murano.Object: core.yaml
          io.murano.Environment: core.yaml
          io.murano.Application: core.yaml
          io.murano.system.StatusReporter: core.yaml
          io.murano.system.HeatStack: core.yaml
          io.murano.system.Resources: core.yaml
    """,
    "Classes/core.yaml": """
        Namespaces: {=: io.murano, sys: io.murano.system}
        Name: Object
        ---
        Name: Environment
        Properties:
          apps: {Contract: [$.class(Application).owned()]}
        ---
        Name: Application
        ---
        Name: sys:StatusReporter
        Properties:
          environment: {Contract: $.class(Environment).notNull()}
        Methods:
          report_error:
            Arguments: [instance: {Contract: $}, msg: {Contract: $}]
            Body:
              - $.reportError($instance, $msg)
        ---
        Name: sys:HeatStack
        Properties:
          name: {Contract: $.string().notNull()}
        ---
        Name: sys:Resources
    """,
}


class Recorded:
    """What the class did, in the order of doing it."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.fails = False


@murano_class("io.murano.system.HeatStack")
class HeatStack:
    def __init__(self, this: Any, session: Session) -> None:
        self._this, self._recorded = this, session.services

    def _record(self, *row: Any) -> None:
        self._recorded.calls.append((*row, self._this.values["name"]))

    def set_template(self, template: Any) -> None:
        self._record("template", template)

    def set_parameters(self, parameters: Any) -> None:
        self._record("parameters", dict(parameters))

    def set_files(self, files: Any) -> None:
        self._record("files", dict(files))

    def set_hot_environment(self, environment: Any) -> None:
        self._record("environment", environment)

    def push(self) -> None:
        self._record("push")
        if self._recorded.fails:
            raise RuntimeError("no quota left")

    def output(self) -> Any:
        return {"address": "10.0.0.5", "other": 1}

    def delete(self) -> None:
        self._record("delete")


@murano_class("io.murano.system.StatusReporter")
class StatusReporter:
    def __init__(self, this: Any, session: Session) -> None:
        self._recorded = session.services

    def report(self, instance: Any, msg: str) -> None:
        self._recorded.calls.append(("report", msg))

    def report_error(self, instance: Any, msg: str) -> None:
        self._recorded.calls.append(("error", msg))


@murano_class("io.murano.system.Resources")
class Resources:
    def __init__(self, this: Any, session: Session) -> None:
        self._session = session

    def string(self, name: str) -> str:
        package = self._session.find_type("com.example.Wiki").package
        return package.resource(name).decode()

    def yaml(self, name: str) -> Any:
        return yaml.safe_load(self.string(name))


def package(template: str = TEMPLATE, **more: str) -> ApplicationPackage:
    return ApplicationPackage.open(archive({"manifest.yaml": MANIFEST, "template.yaml": template, **more}))


def core() -> ApplicationPackage:
    python = {cls.murano_name: cls for cls in (HeatStack, StatusReporter, Resources)}  # type: ignore[attr-defined]
    return ApplicationPackage.open(archive(CORE), python=python)


def load(of: ApplicationPackage, parameters: Any, **more: Any) -> tuple[Session, Any, Recorded]:
    recorded = Recorded()
    session = Session(Catalogue([core(), of]), services=recorded)
    app = {"?": {"id": "wiki", "type": "com.example.Wiki"}, "name": "w", "templateParameters": parameters}
    session.store.load_tree({"?": {"id": "env", "type": "io.murano.Environment"}, "apps": [{**app, **more}]})
    return session, session.store.require("wiki"), recorded


def test_a_deployment_pushes_the_template_with_what_was_given():
    of = package(**{"Resources/HotFiles/nested/server.yaml": "text: $x + 1\n"})
    session, app, recorded = load(of, {**GIVEN, "size": "4", "debug": "no", "ratio": None})
    session.call(app, "deploy")
    name = session.get(app, "generatedHeatStackName")
    assert name.endswith("_env")
    template = yaml.safe_load(TEMPLATE)
    template["heat_template_version"] = "2013-05-23"
    calls = recorded.calls
    assert [row[0] for row in calls] == [
        "report", "template", "parameters", "files", "report", "push", "report", "report"
    ]  # fmt: skip
    assert calls[1] == ("template", _frozen(template), name)
    assert calls[2] == ("parameters", {**GIVEN, "size": 4, "debug": False}, name)
    assert calls[3] == ("files", {"nested/server.yaml": "text: $x + 1\n"}, name)
    assert session.get(app, "templateOutputs") == {"address": "10.0.0.5"}


def _frozen(value: Any) -> Any:
    from knarr.services.application_catalog.language.values import frozen

    return frozen(value)


def test_the_stack_keeps_its_name_and_goes_with_the_application():
    session, app, recorded = load(package(), GIVEN)
    session.call(app, "deploy")
    session.call(app, "deploy")
    session.call(app, ".destroy")
    session.call(app, ".destroy")
    names = [row[-1] for row in recorded.calls if row[0] in ("push", "delete")]
    assert len(names) == 3
    assert len(set(names)) == 1


def test_a_failed_push_is_reported_and_goes_on_as_an_error():
    session, app, recorded = load(package(), GIVEN)
    recorded.fails = True
    with pytest.raises(Exception, match="no quota left"):
        session.call(app, "deploy")
    assert recorded.calls[-1] == ("error", "no quota left")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"flavor": None}, r"templateParameters.flavor\] null is not allowed"),
        ({"size": 12}, r"templateParameters.size\] From one to ten"),
        ({"size": 3}, "size does not meet modulo: step 2"),
        ({"size": "many"}, "this is no number"),
        ({"db-name": "x"}, "db-name does not meet length: min 2, max 8"),
        ({"db-name": "Wiki"}, "Small letters only"),
        ({"db-name": "wiki\n"}, "Small letters only"),
        ({"mode": "other"}, "mode does not meet allowed_values: slow, fast, 5"),
        ({"ratio": "1.5"}, "ratio does not meet range"),
        ({"debug": "perhaps"}, "this is no boolean"),
        ({"names": "a, d"}, "names does not meet allowed_values"),
        ({"names": ["a", "b", "c"]}, "names does not meet length: max 2"),
        ({"extra": 5}, "this is no json"),
    ],
)
def test_parameters_are_checked_by_the_constraints_of_the_template(wrong, told):
    with pytest.raises(ContractViolation, match=told):
        load(package(), {**GIVEN, **wrong})


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"size": "8"}, 8),
        ({"ratio": " .25"}, 0.25),
        ({"ratio": 1}, 1),
        ({"debug": "Yes"}, True),
        ({"mode": 5}, "5"),
        ({"db-name": "it's"}, "it's"),
        ({"names": ["a"]}, ("a",)),
        ({"names": "a , b"}, "a , b"),
        ({"extra": {"k": [1]}}, {"k": (1,)}),
        ({"extra": '{"k": 1}'}, '{"k": 1}'),
    ],
)
def test_parameters_are_converted_to_their_types(given, wanted):
    session, app, _ = load(package(), {**GIVEN, **given})
    assert session.get(app, "templateParameters")[next(iter(given))] == wanted


def test_an_environment_of_heat_gives_what_the_user_did_not():
    of = package(**{"Resources/HotEnvironments/small.yaml": "parameters: {flavor: m1}\n"})
    session, app, recorded = load(of, {"db-name": "", "size": 99}, hotEnvironment="small.yaml")
    session.call(app, "deploy")
    rows = {row[0]: row[1] for row in recorded.calls}
    assert rows["environment"] == {"parameters": {"flavor": "m1"}}
    assert rows["parameters"] == {"size": 99}


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_constructor("!yaql", lambda loader, node: f"yaql:{node.value}")


def test_the_form_has_a_page_for_each_group_and_the_constraints():
    made = yaml.load(package().ui(), _Loader)
    assert made == {
        "Version": "2.3",
        "Application": {
            "?": {"type": "com.example.Wiki", "package": "com.example.Wiki", "classVersion": "1.2.0"},
            "name": "yaql:name()",
            "templateParameters": {
                "flavor": "yaql:$.group1.flavor",
                "size": "yaql:$.group1.size",
                "db-name": "yaql:$.group2.db_name",
                **{
                    name: f"yaql:$.group2.{name}"
                    for name in ("mode", "ratio", "debug", "secret", "names", "extra")
                },
            },
        },
        "Forms": [
            {"general": {"fields": [_title("A wiki on one server")]}},
            {"group1": {"fields": [{**_title("Where it runs"), "descriptionTitle": "Server"}, FLAVOR, SIZE]}},
            {"group2": {"fields": REST}},
        ],
    }


def _title(text: str) -> dict[str, Any]:
    return {"name": "title", "type": "string", "hidden": True, "required": False, "description": text}


def _field(name: str, kind: str, label: str, required: bool, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "label": label, "required": required, **more}


ITEMS = "$.split(',').select($.trim())"
FLAVOR = _field("flavor", "flavor", "Flavor", True)
SIZE = _field(
    "size",
    "integer",
    "Size",
    False,
    initial=2,
    validators=[
        {"expr": "yaql:$ = null or $ = '' or ($ >= 1 and $ <= 10)", "message": "From one to ten"},
        {
            "expr": "yaql:$ = null or $ = '' or (($ - (0)) mod (2) = 0)",
            "message": "size does not meet modulo: step 2",
        },
    ],
)
REST = [
    _field(
        "db_name", "string", "Database", True, description="Name of the database", minLength=2, maxLength=8,
        validators=[
            {"expr": {"regexpValidator": r"\A(?:[a-z]+|it's)\Z"}, "message": "Small letters only"}
        ],
    ),
    _field("mode", "choice", "Mode", False, initial="slow", choices=[[x, x] for x in ("slow", "fast", "5")]),
    _field(
        "ratio", "string", "Ratio", False, initial="0.5",
        regexpValidator=r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$",
        validators=[
            {
                "expr": "yaql:$ = null or $ = '' or (float($) >= 0 and float($) <= 1)",
                "message": "ratio does not meet range: min 0, max 1",
            }
        ],
    ),
    _field("debug", "boolean", "Debug", False, initial=False),
    _field("secret", "password", "Secret", True, confirmInput=False, regexpValidator=r"^[\s\S]*$"),
    _field(
        "names", "string", "Names", False, initial="a,b",
        validators=[
            {
                "expr": f"yaql:$ = null or $ = '' or ({ITEMS}.all($ in list('a', 'b', 'c')))",
                "message": "names does not meet allowed_values: a, b, c",
            },
            {
                "expr": f"yaql:$ = null or $ = '' or (len({ITEMS}) <= 2)",
                "message": "names does not meet length: max 2",
            },
        ],
    ),
    _field("extra", "string", "Extra", False, initial="{}"),
]  # fmt: skip


def test_the_form_offers_environments_of_heat_and_requires_nothing_then():
    of = package(**{"Resources/HotEnvironments/small.yaml": "parameters: {}\n"})
    made = yaml.load(of.ui(), _Loader)
    assert made["Application"]["hotEnvironment"] == "yaql:$.general.hotEnvironment"
    [general, *groups] = [next(iter(form.values()))["fields"] for form in made["Forms"]]
    assert general[1]["choices"] == [["", "none"], ["small.yaml", "small.yaml"]]
    assert not any(field["required"] or "initial" in field for fields in groups for field in fields)


@pytest.mark.parametrize(
    ("old", "new", "at", "told"),
    [
        ("resources:", "things:", "heat_template", "this is no HOT template"),
        ("type: number\n        default: 2", "type: float64", "size:", "size: type float64 is none of"),
        ("- modulo: {step: 2}", "- modulo: {step: 0}", "- modulo", "modulo needs numbers"),
        ("range: {min: 1, max: 10}", "length: {min: 1}", "- length", "length is for string, json, comma"),
        ("[a-z]+|it's", "[a-z", "- allowed_pattern", "is no regular expression"),
        ("[flavor, size]", "[flavor, sise]", "- label: Server", "names sise, which is no parameter"),
        ("label: Database", "titel: Database", "titel", "no key titel"),
        ("[{allowed_values: [slow, fast, 5]}]", "[{allowed_values: slow}]", "mode:", "needs a list of plain"),
        ("    outputs:", "    outputs: [x]\n    more:", "outputs:", "outputs must be a mapping"),
    ],
)
def test_mistakes_in_a_template_are_told_with_their_line(old, new, at, told):
    assert old in TEMPLATE
    text = _dedented(TEMPLATE.replace(old, new, 1))
    with pytest.raises(PackageFault, match=told) as caught:
        hot.read(text)
    place = caught.value.position
    assert place.file == "template.yaml"
    assert text.decode().splitlines()[place.line - 1].strip().startswith(at)


@pytest.mark.parametrize("name", ["yes", "on", "1", "1.5", "~"])
def test_names_that_are_none_are_told_before_anything_is_made(name):
    text = (
        f"resources: {{a: {{type: x}}}}\nparameters:\n  fine: {{type: string}}\n  {name}: {{type: string}}\n"
    )
    of = package(text)
    for use in (of.ui, lambda: load(of, {})):
        with pytest.raises(PackageFault, match=r"^template.yaml:4: parameters: a name is read as"):
            use()


@pytest.mark.parametrize("name", ["2014-01-02", "'yes'", "'1'", "n", "a b", "é", "0x", "__a"])
def test_parameters_keep_the_names_that_they_have(name):
    text = f"resources: {{a: {{type: x}}}}\nparameters: {{? {name} : {{type: string}}}}\n"
    of = package(text)
    plain = name.strip("'")
    [definition] = hot.read(_dedented(text)).parameters.values()
    assert definition.name == plain
    outcome = _wizard(of).advance(
        {"general": {}, "group1": {_field_of(of): "given"}, "workflowManagement": {"application_name": "x"}}
    )
    assert outcome.model["templateParameters"] == {plain: "given"}
    session, app, recorded = load(of, outcome.model["templateParameters"])
    session.call(app, "deploy")
    assert [row[1] for row in recorded.calls if row[0] == "parameters"] == [{plain: "given"}]


def _field_of(of):
    from knarr.services.application_catalog.forms import reader

    return reader.read(of.ui()).forms[-1].fields[-1].name


def test_all_mistakes_in_a_template_are_found():
    text = TEMPLATE.replace("type: boolean", "type: bool").replace("hidden: true", "hiden: true")
    template, faults = hot.inspect(_dedented(text))
    assert [fault.message.partition(" (")[0] for fault in faults] == [
        "parameter debug: type bool is none of string, number, boolean, json, comma_delimited_list",
        "parameter secret has no key hiden",
    ]
    assert "names" in template.parameters


def _dedented(text: str) -> bytes:
    import textwrap

    return textwrap.dedent(text).lstrip("\n").encode()


# The form as it is led through


def _wizard(of: ApplicationPackage) -> Any:
    from knarr.services.application_catalog.forms import reader
    from knarr.services.application_catalog.forms.wizard import Subject, Wizard

    manifest = of.manifest
    definition = reader.read(of.ui())
    assert definition.warnings == ()
    return Wizard(definition, Subject(manifest.full_name, str(manifest.version)))


NO_CLOUD = TEMPLATE.replace("custom_constraint: nova.flavor", "length: {min: 1}")
ANSWERS = {
    "general": {},
    "group1": {"flavor": "m1", "size": "4"},
    "group2": {
        "db_name": "wiki", "mode": "5", "ratio": "0.25", "debug": "on", "secret": "s", "names": "a, c",
        "extra": '{"k": 1}',
    },
    "workflowManagement": {"application_name": "my-wiki"},
}  # fmt: skip


def test_what_the_form_makes_is_deployed():
    of = package(NO_CLOUD)
    outcome = _wizard(of).advance(ANSWERS)
    assert outcome.errors == ()
    model = outcome.model
    assert model["name"] == "my-wiki"
    parameters = model["templateParameters"]
    session, app, recorded = load(of, parameters)
    session.call(app, "deploy")
    [given] = [row[1] for row in recorded.calls if row[0] == "parameters"]
    assert given == {
        "flavor": "m1", "size": 4, "db-name": "wiki", "mode": "5", "ratio": 0.25, "debug": True,
        "secret": "s", "names": "a, c", "extra": '{"k": 1}',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("group", "answer", "told"),
    [
        ("group1", {"flavor": ""}, "Flavor is required"),
        ("group1", {"size": "11"}, "From one to ten"),
        ("group1", {"size": "3"}, "size does not meet modulo: step 2"),
        ("group2", {"db_name": "Wiki"}, "Small letters only"),
        ("group2", {"db_name": "w"}, "2"),
        ("group2", {"mode": "other"}, "other"),
        ("group2", {"ratio": "2"}, "ratio does not meet range"),
        ("group2", {"ratio": "x"}, ""),
        ("group2", {"secret": ""}, ""),
        ("group2", {"names": "a,b,c"}, "names does not meet length: max 2"),
        ("group2", {"names": "d"}, "names does not meet allowed_values"),
    ],
)
def test_the_form_keeps_the_constraints_of_the_template(group, answer, told):
    answers = {**ANSWERS, group: {**ANSWERS[group], **answer}}
    outcome = _wizard(package(NO_CLOUD)).advance(answers)
    assert not outcome.done
    assert any(told in error.message for error in outcome.errors), outcome.errors


def test_the_form_of_a_template_without_parameters():
    of = package("heat_template_version: 2013-05-23\nresources: {a: {type: x}}\n")
    outcome = _wizard(of).advance({"general": {}, "workflowManagement": {"application_name": "x"}})
    assert outcome.model["?"]["type"] == "com.example.Wiki"
