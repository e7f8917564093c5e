"""What agents answer, as applications get it."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.services.application_catalog.plans.faults import AgentException
from knarr.services.application_catalog.plans.results import value_of


@pytest.mark.parametrize("body", [None, "text", 5, [1], {"exitCode": 0, "stdout": "x", "stderr": None}])
def test_the_value_of_a_good_answer_is_its_body(body: Any) -> None:
    assert value_of({"FormatVersion": "2.0.0", "ErrorCode": 0, "Body": body}) == body


@pytest.mark.parametrize("code", [1, 2, 9, 100, 107])
def test_an_error_is_raised_with_all_that_was_told(code: int) -> None:
    answer = {
        "FormatVersion": "2.0.0",
        "ErrorCode": code,
        "Time": "2026-01-02 03:04:05.6",
        "Body": {"Message": "no disk", "AdditionalInfo": {"exitCode": 4}, "More": 1},
    }
    with pytest.raises(AgentException, match="no disk") as caught:
        value_of(answer)
    assert caught.value.error_code == code
    assert caught.value.extra == {
        "message": "no disk",
        "details": {"exitCode": 4},
        "errorCode": code,
        "time": "2026-01-02 03:04:05.6",
        "extra": {"More": 1},
    }
    assert caught.value.names[0] == "murano.engine.system.agent.AgentException"
    assert answer["Body"] == {"Message": "no disk", "AdditionalInfo": {"exitCode": 4}, "More": 1}


@pytest.mark.parametrize(
    ("body", "message"), [(None, "the agent gave no reason"), ("why", "why"), ({}, "the agent gave")]
)
def test_an_error_without_a_reason_is_one_too(body: Any, message: str) -> None:
    with pytest.raises(AgentException, match=message):
        value_of({"FormatVersion": "2.0.0", "ErrorCode": 1, "Body": body})


@pytest.mark.parametrize("answer", [None, [], "x", 5])
def test_what_is_no_answer_is_an_error(answer: Any) -> None:
    with pytest.raises(AgentException, match="the agent's answer is no mapping"):
        value_of(answer)


def test_format_1_gives_the_output_of_the_last_command() -> None:
    results = [{"IsException": False, "Result": ["first"]}, {"IsException": False, "Result": ["last"]}]
    assert value_of({"IsException": False, "Result": results}) == ["last"]
    assert value_of({"IsException": False, "Result": []}) is None
    assert value_of({"FormatVersion": "1.0.0", "IsException": False}) is None


def test_format_1_tells_the_command_that_failed() -> None:
    result = {
        "IsException": True,
        "Result": ["System.Exception", "no domain", "Join-Domain", {"ScriptStackTrace": "x"}],
    }
    with pytest.raises(AgentException, match="no domain") as caught:
        value_of({"IsException": False, "Result": [{"IsException": False, "Result": []}, result]})
    info = caught.value.extra
    assert (info["type"], info["command"], info["source"]) == ("System.Exception", "Join-Domain", "command")
    assert info["details"] == {"ScriptStackTrace": "x"}
    assert info["timestamp"]


@pytest.mark.parametrize("result", ["bad plan", ["bad plan"], ("Type", "bad plan")])
def test_format_1_tells_a_plan_that_could_not_be_run(result: Any) -> None:
    with pytest.raises(AgentException, match="bad plan") as caught:
        value_of({"IsException": True, "Result": result})
    assert caught.value.extra["source"] == "execution_plan"


@pytest.mark.parametrize("result", [None, [], 1.5, {"a": 1}])
def test_format_1_may_tell_next_to_nothing(result: Any) -> None:
    with pytest.raises(AgentException):
        value_of({"IsException": True, "Result": result})


def test_applications_catch_it_by_its_name() -> None:
    error = AgentException({"message": "no disk", "errorCode": 100})
    assert "builtins.Exception" in error.names
    assert error.trace() == "murano.engine.system.agent.AgentException: no disk"
