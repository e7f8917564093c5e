"""Bodies that were written for Python 2 do what they did there. They stand in python2.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from knarr_agent import body
from knarr_agent.errors import MalformedPlan
from knarr_agent.python2 import lexer, syntax

BODIES: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("python2.yaml").read_text())


def plain(value: Any) -> Any:
    from knarr_agent.results import to_json

    return to_json(value)


@pytest.mark.parametrize("name", BODIES)
def test_it_does_what_it_did(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    known = BODIES[name]
    assert plain(body.run(known["body"], {"map": {"a": 1, "b": 2}}, {})) == known["returns"]
    assert capsys.readouterr().out == known.get("prints", "")


def test_files_are_text_whatever_their_mode(tmp_path: Any) -> None:
    source = (
        "f = open(args.path, 'wb')\nf.write('a\\n')\nf.close()\n"
        "return open(args.path, 'rb').read(), file(args.path).readlines()"
    )
    assert plain(body.run(source, {"path": str(tmp_path / "x")}, {})) == ["a\n", ["a\n"]]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("return 7 / 2", 3.5),
        ("print('a')\nreturn 7 / 2", 3.5),
        ("import base64\nreturn base64.b64encode(b'a') == b'YQ=='", True),
        ("unicode = 3\nreturn unicode / 2", 1.5),
        ("def cmp(a, b): return a / b\nreturn cmp(3, 2)", 1.5),
        ("class C:\n    def next(self): return 7 / 2\nreturn C().next()", 3.5),
        ("return f'{7 / 2}'", "3.5"),
        ("import subprocess\nreturn subprocess.check_output(['echo', 'a']).decode(), 7 / 2", ("a\n", 3.5)),
        ("import subprocess\nreturn subprocess.check_output(['echo', 'a'], text=True), 7 / 2", ("a\n", 3.5)),
        ("import subprocess\nreturn subprocess.run(['true'], capture_output=True).stdout, 7 / 2", (b"", 3.5)),
        ("return type({}.keys()).__name__", "dict_keys"),
    ],
)
def test_bodies_of_python_3_are_left_alone(source: str, value: Any) -> None:
    assert body.run(source, {}, {}) == value


def test_the_configuration_may_say_what_bodies_are() -> None:
    assert body.run("return 7 / 2", {}, {}, "always") == 3
    with pytest.raises(MalformedPlan, match="Body: line 1: Missing parentheses"):
        body.run("print 'x'", {}, {}, "never")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("return (", "Body: line 1: "),
        ("x = 1\nif x\n  return", "Body: line 2: "),
        ("x = 'abc\nreturn x", "Body: line 1: "),
        ("print 'a'\nfor in x: pass", "Body: line 2: invalid syntax"),
        ("break", "Body: line 1: 'break' outside loop"),
        ("return " + "(" * 300 + ")" * 300, "Body: "),
        ("x = " + "-" * 100_000 + "1", "Body: "),
    ],
)
def test_what_no_python_reads_is_told_with_its_line(source: str, message: str) -> None:
    with pytest.raises(MalformedPlan, match=message) as caught:
        body.run(source, {}, {})
    assert caught.value.code == 2


@pytest.mark.parametrize("name", BODIES)
def test_no_token_is_lost(name: str) -> None:
    source = BODIES[name]["body"]
    assert "".join(token.text for token in lexer.tokens(source)) == source


def test_lines_stay_where_they_were() -> None:
    source = "a = 0777\nprint 'x'\n\ntry:\n    pass\nexcept X, e:\n    raise Y, 'z'\n"
    assert syntax.translate(source).count("\n") == source.count("\n")
    assert syntax.translate(source).splitlines()[5] == "except X as e:"


def test_errors_name_the_line_of_the_body() -> None:
    from knarr_agent.errors import RunFailed

    with pytest.raises(RunFailed) as caught:
        body.run("print 'a'\nx = {}\nreturn x['k']", {}, {})
    assert caught.value.details == {"type": "KeyError", "traceback": ["line 3: return x['k']"]}
