"""Bodies that were written for Python 2 do what they did there.

What is expected was taken from runs of these bodies by Python 2.7.
"""

from __future__ import annotations

from typing import Any

import pytest

from knarr_agent import body
from knarr_agent.errors import MalformedPlan
from knarr_agent.python2 import lexer, syntax

BODIES: dict[str, tuple[str, Any, str]] = {
    "print": (
        'print "a", 1\nprint\nprint "x",\nprint "y"\nprint("z")\nprint ("p"), "q"\nprint "%s!" % "w"\nreturn 1',
        1,
        "a 1\n\nx y\nz\np q\nw!\n",
    ),
    "print in one line": (
        # (Python 2 saves the blank before the end of the line.)
        "if True: print 'a'; print 'b'\nfor x in [1, 2]: print x,\nprint\nreturn 3",
        3,
        "a\nb\n1 2 \n",
    ),
    "print with brackets": (
        "print ('a', 'b')[0]\nprint [x for x in (1, 2)], {'a': 1}\nreturn 0",
        0,
        "a\n[1, 2] {'a': 1}\n",
    ),
    "print over lines": ("print 'a' + \\\n  'b', (1,\n 2)\nreturn 0", 0, "ab (1, 2)\n"),
    "text that looks like print": (
        "x = '''print \"a\"\n  <>\n'''\nprint x\nreturn x",
        'print "a"\n  <>\n',
        'print "a"\n  <>\n\n',
    ),
    "iteritems": ("return sorted('%s=%s' % (k, v) for k, v in args.map.iteritems())", ["a=1", "b=2"], ""),
    "dictionaries": (
        "d = {'a': 1}\nreturn d.has_key('a'), d.has_key('b'), d.keys()[0], d.items() + [1], list(d.itervalues())",
        [True, False, "a", [["a", 1], 1], [1]],
        "",
    ),
    "except X, e": (
        "try:\n  raise ValueError, 'bad'\nexcept ValueError, e:\n  return str(e), e.message",
        ["bad", "bad"],
        "",
    ),
    "except (X, Y), e": (
        "try:\n  raise ValueError('x', 'y')\nexcept (KeyError, ValueError), e:\n  return list(e.args)",
        ["x", "y"],
        "",
    ),
    "except in one line": (
        "try: raise KeyError, ('a', 'b')\nexcept Exception, e: return list(e.args)",
        ["a", "b"],
        "",
    ),
    "raise in a class": (
        "class A:\n  def m(self):\n    raise RuntimeError, 'r: %s' % 1\ntry:\n  A().m()\nexcept RuntimeError, e: return str(e)",
        "r: 1",
        "",
    ),
    "raise with a traceback": (
        "import sys\ntry:\n  try:\n    1 / 0\n  except:\n    t, v, tb = sys.exc_info()\n"
        "    raise ValueError, 'w', tb\nexcept ValueError, e:\n  return str(e)",
        "w",
        "",
    ),
    "raise an instance": (
        "e = KeyError('k')\ntry:\n  raise KeyError, e\nexcept KeyError, x:\n  return x is e",
        True,
        "",
    ),
    "numbers": (
        "return 0755, 0777L, 10L, 0xFFL, 0, 00, 0.5, 1e3",
        [493, 511, 10, 255, 0, 0, 0.5, 1000.0],
        "",
    ),
    "types": (
        "return unicode('x'), isinstance('x', basestring), [i for i in xrange(3)], long(3), unichr(65), isinstance(u'', unicode)",
        ["x", True, [0, 1, 2], 3, "A", True],
        "",
    ),
    "raw unicode": (r"return ur'a\b', ur'\u0041\n', u'\u0041'", ["a\\b", "A\\n", "A"], ""),
    "operators": ("return 1 <> 2, `1 + 1`, `'a'`", [True, "2", "'a'"], ""),
    "exec": ("ns = {}\nexec 'x = 5' in ns\nreturn ns['x']", 5, ""),
    "division": ("a = 7\na /= 2\nreturn 7 / 2, 7.0 / 2, a, -7 / 2, long(1)", [3, 3.5, 3, -4, 1], ""),
    "division of the future": ("from __future__ import division\nreturn 7 / 2, long(1)", [3.5, 1], ""),
    "print of the future": (
        "from __future__ import print_function\nprint('a', 'b')\nreturn 1 <> 2",
        True,
        "a b\n",
    ),
    "tuples as parameters": (
        "def f(a, (b, c), d=4):\n    # what it does\n\n    return a + b + c + d\ndef g((x, y)): return x * y\nreturn f(1, (2, 3)), g((2, 5))",
        [10, 10],
        "",
    ),
    "tuples as parameters of lambda": (
        "return sorted({'a': 2, 'b': 1}.items(), key=lambda (k, v): v), map(lambda (a, b), c: a + b + c, [(1, 2)], [3])",
        [[["b", 1], ["a", 2]], [6]],
        "",
    ),
    "lists": (
        "return map(str, [1, 2])[0], filter(None, [0, 1]), zip([1], [2])[0], range(3) + [9], reduce(lambda a, b: a + b, [1, 2])",
        ["1", [1], [1, 2], [0, 1, 2, 9], 3],
        "",
    ),
    "codecs": (
        "return 'abc'.encode('base64'), 'YWJj'.decode('base64'), u'\\xe9'.encode('utf-8').decode('utf-8'), 'ab'.encode('hex')",
        ["YWJj\n", "abc", "é", "6162"],
        "",
    ),
    "modules": (
        "import urllib, urlparse, ConfigParser, StringIO, base64, hashlib, string, itertools\ns = StringIO.StringIO()\ns.write('x')\n"
        "return (urllib.quote('a b'), urlparse.urlparse('http://h/p').path, s.getvalue(), base64.b64encode('abc'), "
        "hashlib.md5('a').hexdigest(), string.join(['a', 'b'], '-'), list(itertools.izip([1], [2])))",
        ["a%20b", "/p", "x", "YWJj", "0cc175b9c0f1b6a831c399e269772661", "a-b", [[1, 2]]],
        "",
    ),
    "programs": (
        "import subprocess, commands\nout = subprocess.check_output(['echo', 'a b'])\n"
        "p = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "return out.strip().split(' '), p.communicate('hello')[0], commands.getoutput('echo hi')",
        [["a", "b"], "hello", "hi"],
        "",
    ),
    "comparisons": (
        "l = [3, 1, 2]\nl.sort(lambda a, b: cmp(b, a))\nreturn l, sorted([1, 2], cmp=lambda a, b: b - a), cmp(1, 2)",
        [[3, 2, 1], [2, 1], -1],
        "",
    ),
    "iterators": ("i = iter([1])\nreturn i.next()", 1, ""),
    "rounding": ("return round(2.5), round(-1.5), int(round(3.7)), unicode(1)", [3.0, -2.0, 4, "1"], ""),
}


def plain(value: Any) -> Any:
    from knarr_agent.results import to_json

    return to_json(value)


@pytest.mark.parametrize("name", BODIES)
def test_it_does_what_it_did(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    source, expected, printed = BODIES[name]
    assert plain(body.run(source, {"map": {"a": 1, "b": 2}}, {})) == expected
    assert capsys.readouterr().out == printed


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
    source = BODIES[name][0]
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
