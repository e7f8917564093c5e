"""Scripts of type Application."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run, make_plan, with_script

SHOW = '#!/bin/sh\nfor word in "$@"; do echo "<$word>"; done\n'


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("run()", None),
        ("run('')", None),
        ("run('a b  c')", "<a>\n<b>\n<c>"),
        ("""run("-e 'KEY'='a value' 'it'")""", "<-e>\n<KEY=a value>\n<it>"),
        ("""run("'{0}'".format('echo one two'))""", "<echo one two>"),
        ("run('-f={{.NetworkSettings.IPAddress}} x')", "<-f={{.NetworkSettings.IPAddress}}>\n<x>"),
        ("run('$HOME `id` $(id) * ; id | cat > /tmp/x & #')", None),
        ("run(['a b', 'c', 5])", "<a b>\n<c>\n<5>"),
        ("run(80)", "<80>"),
        ("run('ä \"ö ü\"')", "<ä>\n<ö ü>"),
        ("run.install('a')", "<a>"),
        ("run(commandline='k')", "<k>"),
    ],
)
def test_arguments_are_words_and_nothing_else(run: Run, call: str, words: str | None) -> None:
    answer = run(with_script(SHOW, f"return {call}.stdout"))
    if "$HOME" in call:
        words = "<$HOME>\n<`id`>\n<$(id)>\n<*>\n<;>\n<id>\n<|>\n<cat>\n<>>\n</tmp/x>\n<&>\n<#>"
    assert answer["ErrorCode"] == 0, answer
    assert answer["Body"] == words


def test_arguments_with_an_open_quote_are_told(run: Run) -> None:
    answer = run(with_script(SHOW, 'return run("it\'s")'))
    assert answer["ErrorCode"] == 100
    assert (
        answer["Body"]["Message"]
        == "Script run: its arguments cannot be split into words: No closing quotation"
    )


def test_the_result_has_exit_code_and_both_outputs(run: Run) -> None:
    answer = run(with_script("#!/bin/sh\necho out\necho err >&2\n"))
    assert answer["Body"] == {"exitCode": 0, "stdout": "out", "stderr": "err"}


def test_no_output_is_null(run: Run) -> None:
    assert run(with_script("#!/bin/sh\n"))["Body"] == {"exitCode": 0, "stdout": None, "stderr": None}


def test_output_that_is_not_captured_is_null(run: Run) -> None:
    plan = with_script("#!/bin/sh\necho out\necho err >&2\n", captureStdout=False, captureStderr=False)
    assert run(plan)["Body"] == {"exitCode": 0, "stdout": None, "stderr": None}


def test_a_script_that_fails_ends_the_plan_with_error_100(run: Run) -> None:
    answer = run(with_script("#!/bin/sh\necho half done\necho no disk >&2\nexit 4\n"))
    assert answer["ErrorCode"] == 100
    assert answer["Body"] == {
        "Message": "Script run returned error code 4",
        "AdditionalInfo": {"exitCode": 4, "stdout": "half done", "stderr": "no disk"},
    }


def test_an_exit_code_that_is_not_verified_is_the_bodys_to_judge(run: Run) -> None:
    answer = run(with_script("#!/bin/sh\nexit 4\n", "return run().exitCode", verifyExitcode=False))
    assert answer["Body"] == 4


def test_a_body_may_catch_what_a_script_raises(run: Run) -> None:
    body = "try:\n  run()\nexcept Exception, e:\n  return e.code, e.details['exitCode']"
    assert run(with_script("#!/bin/sh\nexit 3\n", body))["Body"] == [100, 3]


def test_a_script_that_dies_of_a_signal_has_the_shells_number(run: Run) -> None:
    answer = run(with_script("#!/bin/sh\nkill -9 $$\n"))
    assert answer["Body"]["AdditionalInfo"]["exitCode"] == 137


def test_a_script_without_a_first_line_is_one_of_the_shell(run: Run) -> None:
    assert run(with_script("echo $((1 + 1)) $1", "return run('x').stdout"))["Body"] == "2 x"


@pytest.mark.parametrize(
    ("text", "code"), [("#!/no/such/interpreter\n", 127), ("#!/etc\n", 126), ("#!/bin/sh\r\nexit 0\r\n", 127)]
)
def test_a_script_that_cannot_be_started_is_told(run: Run, text: str, code: int) -> None:
    answer = run(with_script(text))
    assert answer["ErrorCode"] == 100
    assert answer["Body"]["AdditionalInfo"]["exitCode"] == code
    assert "run.sh" in answer["Body"]["AdditionalInfo"]["stderr"]


def test_other_languages_are_as_good(run: Run) -> None:
    text = "#!/usr/bin/env python3\nimport sys\nprint(sys.argv[1:], sys.stdin.read())\n"
    assert run(with_script(text, "return run('a', input='b').stdout", "x.py"))["Body"] == "['a'] b"


def test_a_script_runs_where_its_file_lies_beside_its_other_files(run: Run) -> None:
    plan = make_plan(
        "return run().stdout",
        Files={
            "1": {
                "Name": "bin/start.sh",
                "BodyType": "Text",
                "Body": "#!/bin/sh\n. ./lib/common.sh\nhello; cat ../etc/data.bin\n",
            },
            "2": {"Name": "bin/lib/common.sh", "BodyType": "Text", "Body": "hello() { echo hello; }\n"},
            "3": {"Name": "etc/data.bin", "BodyType": "Base64", "Body": "Ynl0ZXM=\n"},
        },
        Scripts={"run": {"Type": "Application", "EntryPoint": "1", "Files": ["2", "3", "1"]}},
    )
    assert run(plan)["Body"] == "hello\nbytes"


def test_scripts_share_files_but_not_folders(run: Run) -> None:
    plan = make_plan(
        "return first().stdout, second().stdout, first().stdout",
        Files={
            "a": {"Name": "a.sh", "BodyType": "Text", "Body": "#!/bin/sh\nls; echo made > made\n"},
            "b": {"Name": "b.txt", "BodyType": "Text", "Body": ""},
        },
        Scripts={
            "first": {"Type": "Application", "EntryPoint": "a", "Files": ["b"]},
            "second": {"Type": "Application", "EntryPoint": "a"},
        },
    )
    assert run(plan)["Body"] == ["a.sh\nb.txt", "a.sh", "a.sh\nb.txt\nmade"]


def test_bytes_arrive_as_they_are(run: Run, tmp_path: Path) -> None:
    import base64

    data = bytes(range(256))
    plan = with_script(f"#!/bin/sh\ncp data.bin {tmp_path}/copy\n")
    plan["Files"]["d"] = {"Name": "data.bin", "BodyType": "Base64", "Body": base64.encodebytes(data).decode()}
    plan["Scripts"]["run"]["Files"] = ["d"]
    assert run(plan)["ErrorCode"] == 0
    assert (tmp_path / "copy").read_bytes() == data


def test_nothing_of_a_plan_is_left(run: Run, tmp_path: Path) -> None:
    run(with_script("#!/bin/sh\necho x > y\n"))
    assert not (tmp_path / "work").exists()


def test_nobody_else_reads_a_plans_files(run: Run) -> None:
    answer = run(with_script("#!/bin/sh\nstat -L -c %a ../.content run.sh\n", "return run().stdout"))
    modes = [int(text, 8) for text in answer["Body"].split()]
    assert not any(mode & (stat.S_IRWXG | stat.S_IRWXO) for mode in modes)


def test_two_files_of_one_name_are_told(run: Run) -> None:
    plan = with_script("#!/bin/sh\n")
    plan["Files"]["f2"] = plan["Files"]["f1"] | {"Body": "other"}
    plan["Scripts"]["run"]["Files"] = ["f2"]
    answer = run(plan)
    assert answer["ErrorCode"] == 2
    assert (
        answer["Body"]["Message"] == "Files/f1/Name: 'run.sh' is also the name of another file of script run"
    )


def test_a_file_is_no_folder_for_another(run: Run) -> None:
    plan = with_script("#!/bin/sh\n", name="a/run.sh")
    plan["Files"]["f2"] = {"Name": "a", "BodyType": "Text", "Body": ""}
    plan["Scripts"]["run"]["Files"] = ["f2"]
    answer = run(plan)
    assert answer["ErrorCode"] == 2
    assert "'a/run.sh' lies inside 'a', which is another file" in answer["Body"]["Message"]


def test_long_output_keeps_its_beginning_and_its_end(run: Run) -> None:
    text = "#!/bin/sh\necho first\nyes filler | head -n 100000\necho last\n"
    out = run(with_script(text, "return run().stdout"), output=2000)["Body"]
    assert out.startswith("first\nfiller")
    assert out.endswith("filler\nlast")
    assert "bytes left out" in out
    assert len(out) < 2100


def test_what_goes_on_in_the_background_is_not_waited_for(run: Run, tmp_path: Path) -> None:
    text = f"#!/bin/sh\necho started\n(sleep 60; touch {tmp_path}/late) &\necho $! > {tmp_path}/pid\n"
    answer = run(with_script(text, "return run().stdout"))
    import os
    import signal

    os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
    assert answer["Body"] == "started"
    assert not (tmp_path / "late").exists()


def test_output_that_is_no_text_is_shown_as_far_as_it_is(run: Run) -> None:
    answer = run(with_script("#!/bin/sh\nprintf 'a\\377b\\r\\nc'\n", "return run().stdout"))
    assert answer["Body"] == "a\ufffdb\nc"


def test_input_that_is_not_read_is_no_error(run: Run) -> None:
    assert run(with_script("#!/bin/sh\nexit 0\n", "return run('', 'x' * 1000000).exitCode"))["Body"] == 0


def test_a_script_is_no_module(run: Run) -> None:
    answer: dict[str, Any] = run(with_script("#!/bin/sh\n", "return run.__wrapped__"))
    assert answer["ErrorCode"] == 1
