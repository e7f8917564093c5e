"""Interactive sessions through the WebSocket proxy."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select
from tests.support.cloud import Cloud, wait_for
from websockets.exceptions import InvalidStatus

from knarr.services.container.models import ContainerSession
from knarr.services.container.sessions.proxy import proxy_of

from .helpers import Member, error
from .terminal import PROMPT, SHELL, Terminal, attach, prepare


@pytest.fixture
def shell(member: Member) -> str:
    return member.create(**SHELL)


@pytest.fixture
def option(cloud: Cloud) -> Iterator[Any]:
    """`option(name, value)`: an option of [websocket_proxy] for this test."""
    conf = cloud.runtime.conf
    changed = []

    def change(name: str, value: Any) -> None:
        conf.set_override(name, value, group="websocket_proxy")
        changed.append(name)

    yield change
    for name in changed:
        conf.clear_override(name, group="websocket_proxy")


def refused(url: str, **options: Any) -> tuple[int, str]:
    """Status and sentence with which a connection is refused."""
    with pytest.raises(InvalidStatus) as caught, Terminal(url, **options):
        pass
    response = caught.value.response
    return response.status_code, bytes(response.body or b"").decode()


def rows(cloud: Cloud, uuid: str) -> list[ContainerSession]:
    with cloud.runtime.db.read() as session:
        return list(session.scalars(select(ContainerSession).where(ContainerSession.container_uuid == uuid)))


# opening


def test_the_address_of_a_session_names_token_and_container(member: Member, shell: str) -> None:
    answer = member.get(f"containers/{shell}/attach")

    assert answer.headers["content-type"] == "application/json"
    parts = urlsplit(answer.json)
    query = parse_qs(parts.query)
    assert (parts.scheme, parts.hostname) == ("ws", "127.0.0.1")
    assert query["uuid"] == [shell] and set(query) == {"token", "uuid"}
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", query["token"][0])


def test_somebody_attached_speaks_with_the_main_process(member: Member, shell: str) -> None:
    with Terminal(attach(member, shell)) as terminal:
        terminal.expect(PROMPT)
        terminal.type("echo hello\r")
        terminal.expect("hello\r\nhello\r\n")


def test_exit_of_the_main_process_ends_session_and_container(member: Member, shell: str) -> None:
    with Terminal(attach(member, shell)) as terminal:
        terminal.expect(PROMPT)
        terminal.type("exit 4\r")
        assert terminal.end() == (1000, "the process in the container ended")

    assert member.becomes(shell, "Stopped")["status_detail"].startswith("Exited(4)")


def test_an_exec_has_a_terminal_of_its_own(member: Member, shell: str, cloud: Cloud) -> None:
    made = prepare(member, shell)

    assert re.fullmatch(r"[0-9a-f]{64}", made["exec_id"])
    assert made["output"] is None and made["exit_code"] is None
    assert parse_qs(urlsplit(made["proxy_url"]).query)["exec_id"] == [made["exec_id"]]
    with Terminal(made["proxy_url"]) as terminal:
        terminal.expect(PROMPT)
        terminal.type("exit\r")
        assert terminal.end()[0] == 1000
    assert member.show(shell)["status"] == "Running"
    wait_for(lambda: rows(cloud, shell) == [])


def test_a_command_without_a_terminal_can_be_watched(member: Member, shell: str) -> None:
    answer = member.post(f"containers/{shell}/execute?command=echo+seen&run=false")

    with Terminal(answer.json["proxy_url"]) as terminal:
        terminal.expect("seen\n")
        assert terminal.end()[0] == 1000


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (("binary", "base64"), "binary"),
        (("base64", "binary"), "binary"),
        (("base64",), "base64"),
        ((), None),
    ],
)
def test_the_subprotocol_is_what_the_client_can(
    member: Member, shell: str, offered: tuple[str, ...], chosen: str | None
) -> None:
    with Terminal(attach(member, shell), protocols=offered) as terminal:
        assert terminal.protocol == chosen
        terminal.expect(PROMPT)
        terminal.type("hostname\r")
        terminal.expect(PROMPT)


def test_an_unknown_subprotocol_is_refused_and_the_address_stays_good(member: Member, shell: str) -> None:
    url = attach(member, shell)

    assert refused(url, protocols=("morse",))[0] == 400
    with Terminal(url) as terminal:
        terminal.expect(PROMPT)


def test_text_that_is_not_base64_ends_a_base64_session(member: Member, shell: str) -> None:
    with Terminal(attach(member, shell), protocols=("base64",)) as terminal:
        terminal.socket.send("***")
        assert terminal.end() == (1007, "not base64")


def test_tilde_and_dot_leave(member: Member, shell: str) -> None:
    with Terminal(attach(member, shell)) as terminal:
        terminal.expect(PROMPT)
        terminal.type("~")
        terminal.type(".")
        assert terminal.end() == (1000, "left by ~.")
    assert member.show(shell)["status"] == "Running"


def test_the_escape_can_be_turned_off(member: Member, shell: str, option: Any) -> None:
    option("escape", False)
    with Terminal(attach(member, shell)) as terminal:
        terminal.expect(PROMPT)
        terminal.type("~.\r")
        terminal.expect("~.")
        terminal.expect(PROMPT)


# tokens


def test_a_token_opens_one_session_only(member: Member, shell: str) -> None:
    url = attach(member, shell)
    with Terminal(url) as terminal:
        terminal.expect(PROMPT)

        status, sentence = refused(url)

    assert status == 404 and "used up" in sentence


def test_of_many_who_come_at_once_with_one_token_one_gets_in(member: Member, shell: str) -> None:
    url = attach(member, shell)
    opened: list[Terminal] = []
    ready = threading.Barrier(6)

    def come() -> None:
        ready.wait()
        with contextlib.suppress(InvalidStatus):
            opened.append(Terminal(url))

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(opened) == 1
    opened[0].socket.close()


def test_a_new_token_leaves_the_former_one_good(member: Member, shell: str) -> None:
    first, second = attach(member, shell), attach(member, shell)

    assert first != second
    with Terminal(second) as one, Terminal(first) as other:
        one.expect(PROMPT)
        other.expect(PROMPT)


def test_wrong_tokens_open_nothing(member: Member, shell: str) -> None:
    other = member.create(**SHELL)
    url = attach(member, shell)
    made = prepare(member, shell)
    wrong = (
        re.sub(r"token=[^&]*", "token=00000000-0000-0000-0000-000000000000", url),
        re.sub(r"token=[^&]*", "token=", url),
        re.sub(r"[?&]token=[^&]*", "?", url),
        url.replace(shell, other),
        url.replace(shell, "x" * 3000),
        f"{url}&exec_id={made['exec_id']}",
        re.sub(r"&exec_id=.*", "", made["proxy_url"]),
        urlsplit(url)._replace(query="").geturl(),
    )
    for each in wrong:
        assert refused(each)[0] == 404, each


def test_a_token_that_nobody_used_in_time_opens_nothing(
    member: Member, shell: str, cloud: Cloud, option: Any
) -> None:
    option("token_ttl", 1)
    url = attach(member, shell)
    wait_for(lambda: proxy_of(cloud.runtime).sweep() or rows(cloud, shell) == [])

    assert refused(url)[0] == 404


def test_addresses_that_nobody_uses_do_not_pile_up(member: Member, shell: str, cloud: Cloud) -> None:
    urls = [attach(member, shell) for _ in range(20)]

    assert len(rows(cloud, shell)) == 16
    assert refused(urls[0])[0] == 404
    with Terminal(urls[-1]) as terminal:
        terminal.expect(PROMPT)


def test_the_database_holds_no_token(member: Member, shell: str, cloud: Cloud) -> None:
    token = parse_qs(urlsplit(attach(member, shell)).query)["token"][0]

    (row,) = rows(cloud, shell)
    assert token not in str(vars(row))


def test_no_token_and_nothing_typed_is_logged(
    member: Member, shell: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    url = attach(member, shell)
    with Terminal(url) as terminal:
        terminal.expect(PROMPT)
        terminal.type("echo the secret word\r")
        terminal.expect("the secret word\r\n")

    token = parse_qs(urlsplit(url).query)["token"][0]
    said = [record.getMessage() for record in caplog.records if record.name.startswith("knarr")]
    assert not [line for line in said if token in line or "secret word" in line]


# origin


def test_a_page_of_another_host_is_refused_and_the_address_stays_good(
    member: Member, shell: str, option: Any
) -> None:
    url = attach(member, shell)

    status, sentence = refused(url, origin="http://evil.example")
    assert status == 403 and "allowed_origins" in sentence
    assert refused(url, origin="https://127.0.0.1")[0] == 403

    option("allowed_origins", ["evil.example"])
    with Terminal(url, origin="http://evil.example") as terminal:
        terminal.expect(PROMPT)


def test_the_scheme_that_a_proxy_tells_wins(member: Member, shell: str) -> None:
    forwarded = {"additional_headers": {"X-Forwarded-Proto": "http"}}
    with Terminal(attach(member, shell), origin="https://127.0.0.1", **forwarded) as terminal:
        terminal.expect(PROMPT)


# the window


def test_the_window_of_the_main_process(member: Member, shell: str) -> None:
    with Terminal(attach(member, shell)) as terminal:
        terminal.expect(PROMPT)
        assert member.post(f"containers/{shell}/resize?w=132&h=43").status == 200
        terminal.type("stty size\r")
        terminal.expect("43 132")


def test_a_client_without_a_window_says_0_and_0(member: Member, shell: str) -> None:
    exec_id = prepare(member, shell)["exec_id"]

    answer = member.post(f"containers/{shell}/resize?w=0&h=0")
    assert (answer.status, answer.body) == (200, b"")
    assert "content-type" not in answer.headers
    assert member.post(f"containers/{shell}/execute_resize?exec_id={exec_id}&w=0&h=0").status == 200


def test_the_window_of_an_exec_before_and_after_it_is_opened(member: Member, shell: str) -> None:
    made = prepare(member, shell)
    resize = f"containers/{shell}/execute_resize?exec_id={made['exec_id']}"
    assert member.post(f"{resize}&w=90&h=30").status == 200
    with Terminal(made["proxy_url"]) as terminal:
        terminal.expect(PROMPT)
        terminal.type("stty size\r")
        terminal.expect("30 90")
        assert member.post(f"{resize}&w=91&h=31").status == 200
        terminal.type("stty size\r")
        terminal.expect("31 91")


def test_the_exec_of_another_container_is_not_there(member: Member, shell: str) -> None:
    other = member.create(**SHELL)
    exec_id = prepare(member, other)["exec_id"]

    answer = member.post(f"containers/{shell}/execute_resize?exec_id={exec_id}&w=1&h=1")
    assert answer.status == 404 and exec_id in error(answer)["detail"]


# what is refused


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ("execute_resize?w=1&h=1", "exec_id"),
        ("execute_resize?exec_id=abc&w=1&h=1", "exec_id"),
        (f"execute_resize?exec_id={'a' * 65}&w=1&h=1", "exec_id"),
        (f"execute_resize?exec_id={'g' * 64}&w=1&h=1", "exec_id"),
        (f"execute_resize?exec_id={'a' * 64}&w=1", "h"),
        (f"execute_resize?exec_id={'a' * 64}&h=1", "w"),
        ("resize?w=1", "h"),
        ("resize?h=1", "w"),
        ("resize?h=-1&w=1", "h"),
        ("resize?h=1&w=65536", "w"),
        ("resize?h=1.5&w=1", "h"),
        ("resize?h=x&w=1", "h"),
        ("resize?h=1&w=1&colour=red", "colour"),
        ("execute?run=false&interactive=true", "command"),
        ("execute?command=&run=false", "command"),
        ("execute?command=%22open&run=false", "command"),
        ("execute?command=sh&run=perhaps", "run"),
        ("execute?command=sh&run=false&interactive=7", "interactive"),
    ],
)
def test_a_bad_parameter_is_named(member: Member, shell: str, call: str, field: str) -> None:
    answer = member.post(f"containers/{shell}/{call}")

    assert answer.status == 400, answer.body
    assert f"'{field}'" in error(answer)["detail"]


def test_who_did_not_ask_for_interaction_cannot_attach(member: Member) -> None:
    answer = member.get(f"containers/{member.create()}/attach")

    assert answer.status == 400 and "interactive" in error(answer)["detail"]


def test_what_does_not_run_has_no_terminal(member: Member) -> None:
    uuid = member.create(run=False, **SHELL)

    for answer in (
        member.get(f"containers/{uuid}/attach"),
        member.post(f"containers/{uuid}/execute?command=sh&run=false&interactive=true"),
        member.post(f"containers/{uuid}/resize?w=1&h=1"),
        member.post(f"containers/{uuid}/execute_resize?exec_id={'a' * 64}&w=1&h=1"),
    ):
        assert answer.status == 409 and "Created" in error(answer)["detail"]


def test_other_projects_see_no_terminal(member: Member, shell: str, cloud: Cloud) -> None:
    stranger = Member(cloud, cloud.person())

    assert stranger.get(f"containers/{shell}/attach").status == 404
    for call in (
        "execute?command=sh&run=false",
        "resize?w=1&h=1",
        f"execute_resize?exec_id={'a' * 64}&w=1&h=1",
    ):
        assert stranger.post(f"containers/{shell}/{call}").status == 404


def test_a_container_that_stopped_meanwhile_refuses_who_comes(member: Member, shell: str) -> None:
    url = attach(member, shell)
    member.post(f"containers/{shell}/kill")
    member.becomes(shell, "Stopped")

    assert refused(url)[0] == 409


def test_a_deleted_container_leaves_no_address(member: Member, shell: str, cloud: Cloud) -> None:
    attach(member, shell)
    member.delete(f"containers/{shell}?stop=true")
    member.gone(shell)

    proxy_of(cloud.runtime).sweep()
    assert rows(cloud, shell) == []


# limits


def test_a_session_ends_when_its_container_does(member: Member, shell: str) -> None:
    with Terminal(attach(member, shell)) as main, Terminal(prepare(member, shell)["proxy_url"]) as side:
        main.expect(PROMPT)
        side.expect(PROMPT)
        member.post(f"containers/{shell}/stop")

        assert main.end()[0] == side.end()[0] == 1000


def test_a_session_in_which_nobody_says_anything_ends(member: Member, shell: str, option: Any) -> None:
    option("idle_timeout", 1)
    with Terminal(attach(member, shell)) as terminal:
        code, reason = terminal.end()

    assert code == 1008 and "1 seconds" in reason


def test_a_message_that_is_too_large_ends_the_session(member: Member, shell: str, option: Any) -> None:
    option("max_frame", 200)
    with Terminal(attach(member, shell)) as terminal:
        terminal.expect(PROMPT)
        terminal.type("x" * 201)
        assert terminal.end()[0] == 1009


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("max_sessions_per_container", "container"),
        ("max_sessions_per_project", "project"),
        ("max_sessions", "host"),
    ],
)
def test_sessions_are_counted(member: Member, shell: str, option: Any, name: str, what: str) -> None:
    option(name, 1)
    second = attach(member, shell)
    with Terminal(attach(member, shell)) as terminal:
        terminal.expect(PROMPT)

        answer = member.get(f"containers/{shell}/attach")
        assert answer.status == 403 and name in error(answer)["detail"]
        status, sentence = refused(second)
        assert status == 403 and what in sentence

    wait_for(lambda: member.get(f"containers/{shell}/attach").status == 200)


def test_what_is_no_websocket_is_told_so(member: Member, shell: str, cloud: Cloud) -> None:
    port = urlsplit(attach(member, shell)).port
    assert port
    for sent, answered in (
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 426"),
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b""),
        (b"\x16\x03\x01 hello\r\n\r\n", b""),
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(sent)
            assert raw.recv(4096).startswith(answered)
            while raw.recv(4096):
                pass


# records and the end


def test_sessions_are_among_the_actions(member: Member, shell: str) -> None:
    attach(member, shell)
    prepare(member, shell)

    actions = [
        row["action"] for row in member.get(f"containers/{shell}/container_actions").json["containerActions"]
    ]
    assert {"container_attach", "exec_cmd"} <= set(actions)


def test_what_a_former_process_left_is_cleared_up(member: Member, shell: str, cloud: Cloud) -> None:
    made = prepare(member, shell)
    attach(member, shell)
    proxy = proxy_of(cloud.runtime)
    with Terminal(made["proxy_url"]) as terminal:
        terminal.expect(PROMPT)

        proxy.start()  # as a new process does

        assert rows(cloud, shell) == []
        assert terminal.end()[0] == 1000
