"""What bodies may do, and what their plans answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Run, make_plan


def error(answer: dict[str, Any]) -> tuple[int, str]:
    return answer["ErrorCode"], answer["Body"]["Message"]


def test_the_answer_has_what_engines_read(run: Run) -> None:
    answer = run(make_plan("return {'a': [1, 2.5, None, True]}", ident="p9"))
    assert answer["SourceID"] == "p9"
    assert answer["Action"] == "Execution:Result"
    assert answer["FormatVersion"] == "2.0.0"
    assert answer["ErrorCode"] == 0
    assert answer["Body"] == {"a": [1, 2.5, None, True]}
    assert answer["ID"] and answer["ID"] != "p9"
    assert answer["Time"][:2] == "20"


def test_parameters_are_attributes_of_args_at_every_depth(run: Run) -> None:
    parameters = {"name": "web", "server": {"port": 80, "names": [{"fqdn": "a"}]}}
    body = "return args.name, args['name'], args.server.port, args.server.names[0].fqdn, args.get('x')"
    assert run(make_plan(body, Parameters=parameters))["Body"] == ["web", "web", 80, "a", None]


def test_a_parameter_that_is_missing_is_told_with_those_that_are_there(run: Run) -> None:
    answer = run(make_plan("return args.prot", Parameters={"port": 1, "name": 2}))
    assert error(answer) == (1, "there is no 'prot' here; there are: name, port")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("", None),
        ("return", None),
        ("x = 1", None),
        ("    x = 1\n    return x", 1),
        ("\tif True:\n\t\treturn 'tabs'\n", "tabs"),
        ("return '''a\n  b'''", "a\n  b"),
        ("import json\r\nreturn json.dumps([1])\r\n", "[1]"),
        ("def f(n):\n  return 1 if n < 2 else n * f(n - 1)\nreturn f(5)", 120),
        ("return b'bytes'", "bytes"),
        ("return {1, 2}", [1, 2]),
        ("return {'a': 1}.keys()", ["a"]),
        ("return (1, (2,))", [1, [2]]),
        ("return range(2)", [0, 1]),
        ("return __name__", "__main__"),
        ("from os.path import *\nreturn join('a', 'b')", "a/b"),
        ("from __future__ import annotations\ndef f(x: nothing): return x\nreturn f(1)", 1),
    ],
)
def test_what_a_body_returns_is_the_plans_result(run: Run, body: str, value: Any) -> None:
    assert run(make_plan(body))["Body"] == value


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return object()", "Body returned what JSON cannot hold: a value of type object"),
        ("return float('nan')", "Body returned what JSON cannot hold"),
        ("a = []\na.append(a)\nreturn a", "Body returned what JSON cannot hold: Circular reference detected"),
        ("a = []\nfor i in range(100000): a = [a]\nreturn a", "Body returned what JSON cannot hold"),
        ("return 1 + 'a'", "unsupported operand type"),
        ("raise ValueError()", "ValueError"),
        ("import sys\nsys.exit(3)", r"Body ended the program with exit\(3\); it has to return"),
        ("def f(): return f()\nreturn f()", "maximum recursion depth exceeded"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("return deploy()", "name 'deploy' is not defined"),
    ],
)
def test_a_body_that_fails_answers_with_error_1(run: Run, body: str, message: str) -> None:
    import re

    code, said = error(run(make_plan(body)))
    assert code == 1
    assert re.match(message, said)


def test_an_error_tells_where_in_the_body_it_was(run: Run) -> None:
    answer = run(make_plan("def f():\n  return {}['k']\n\nf()"))
    assert answer["Body"] == {
        "Message": "'k'",
        "AdditionalInfo": {"type": "KeyError", "traceback": ["line 4: f()", "line 2: return {}['k']"]},
    }


def test_a_body_may_raise_codes_of_its_own(run: Run) -> None:
    body = (
        "from muranoagent.exceptions import CustomException\nraise CustomException(7, 'no room', {'free': 3})"
    )
    answer = run(make_plan(body))
    assert answer["ErrorCode"] == 107
    assert answer["Body"] == {"Message": "no room", "AdditionalInfo": {"free": 3}}


def test_details_that_json_cannot_hold_are_told_as_text(run: Run) -> None:
    body = "from muranoagent.exceptions import CustomException\nraise CustomException(0, 'x', {1, })"
    assert run(make_plan(body))["Body"]["AdditionalInfo"] == "{1}"


def test_what_a_body_imports_of_its_agent_is_there(run: Run) -> None:
    body = "import muranoagent.exceptions\nfrom muranoagent import bunch\nreturn bunch.Bunch(a=1).a"
    assert run(make_plan(body))["Body"] == 1


def test_answers_are_bounded() -> None:
    from knarr_agent import results
    from knarr_agent.errors import ScriptError

    long = json.loads(results.encode(results.success("p", "x" * 5000), 1000))
    assert (
        error(long) == (1, "the plan's result has 5151 bytes; at most 1000 can be sent")
        or long["ErrorCode"] == 1
    )
    assert "at most 1000 can be sent" in long["Body"]["Message"]
    failed = json.loads(results.encode(results.failure("p", ScriptError(0, "y" * 5000)), 1000))
    assert failed["ErrorCode"] == 100
    assert failed["Body"]["Message"].endswith("(shortened)")
