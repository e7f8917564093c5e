"""Engine and agent together: plans built here run there, over both transports."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from knarr.services.application_catalog.plans.client import AgentClient
from knarr.services.application_catalog.plans.faults import (
    AgentDisabled,
    AgentException,
    AgentTimeout,
    PlanFault,
)
from knarr.services.application_catalog.plans.listener import AgentListener
from knarr.services.application_catalog.plans.mailbox import Mailbox, token_for
from knarr.services.application_catalog.plans.signing import Signer
from knarr_agent import signature
from knarr_agent.message import Message
from knarr_agent.transports import TransportError
from knarr_agent.transports.folder import FolderTransport
from knarr_agent.transports.http import HttpTransport

SOURCES = Path(__file__).resolve().parents[4] / "src"
QUEUE = "e5-h7"
SECRET = b"secret of the mailbox"
TEMPLATE = {
    "FormatVersion": "2.0.0",
    "Body": "return greet('\"{0}\"'.format(args.name)).stdout",
    "Parameters": {"name": "you there"},
    "Scripts": {"greet": {"Type": "Application", "EntryPoint": "greet.sh", "Files": ["<word>"]}},
}


def resource(name: str) -> bytes:
    files = {"scripts/greet.sh": b'#!/bin/sh\necho "$(cat word) $1"\n', "scripts/word": b"hello"}
    if name not in files:
        raise FileNotFoundError(name)
    return files[name]


@pytest.fixture(scope="module")
def key() -> bytes:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture
def queues(tmp_path: Path) -> Iterator[FolderTransport]:
    made = FolderTransport(tmp_path / "queues")
    yield made
    made.close()


@pytest.fixture
def listener(queues: FolderTransport) -> Iterator[AgentListener]:
    made = AgentListener("RegionOne", queues)
    yield made
    made.stop()


@pytest.fixture
def mailbox(queues: FolderTransport) -> Iterator[Mailbox]:
    made = Mailbox(queues, SECRET)
    made.start()
    yield made
    made.stop()


StartAgent = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start_agent(tmp_path: Path) -> Iterator[StartAgent]:
    """Start the agent of e5-h7 with this configuration of its transport; ended after the test."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(transport: str, signer: Signer | None = None) -> subprocess.Popen[bytes]:
        key = f"engine_key =\n{signer.public_key('    ')}" if signer else ""
        (tmp_path / "agent.conf").write_text(
            f"[DEFAULT]\nstorage = {tmp_path}/storage\n{key}\n[rabbitmq]\ninput_queue = {QUEUE}\n"
            f"result_routing_key = -execution-results-regionone\n[transport]\n{transport}\n"
        )
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "knarr_agent", "--config-file", str(tmp_path / "agent.conf")],
                env=os.environ | {"PYTHONPATH": str(SOURCES)},
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        process.terminate()
        process.wait(30)


def over(transport: str, tmp_path: Path, mailbox: Mailbox) -> str:
    """The agent's configuration for a transport."""
    if transport == "folder":
        return f"type = folder\nfolder = {tmp_path}/queues"
    return f"type = http\nurl = {mailbox.url}\ntoken = {token_for(SECRET, QUEUE)}"


@pytest.mark.parametrize("transport", ["folder", "http"])
def test_a_template_is_built_run_and_answered(
    transport: str,
    tmp_path: Path,
    queues: FolderTransport,
    listener: AgentListener,
    mailbox: Mailbox,
    start_agent: StartAgent,
    key: bytes,
) -> None:
    signer = Signer.load(key)
    client = AgentClient("5", "7", queues, listener, signer=signer)
    start_agent(over(transport, tmp_path, mailbox), signer)
    client.wait_ready(60)
    assert client.call(TEMPLATE, resource, 60) == "hello you there"
    with pytest.raises(AgentException, match="name 'missing' is not defined") as caught:
        client.call(TEMPLATE | {"Body": "return missing"}, resource, 60)
    assert caught.value.error_code == 1
    plan = client.build(TEMPLATE | {"Body": "return 5"}, resource)
    assert client.call_raw(plan, 60) == 5


def test_many_calls_at_once_get_each_its_own_answer(
    tmp_path: Path,
    queues: FolderTransport,
    listener: AgentListener,
    mailbox: Mailbox,
    start_agent: StartAgent,
) -> None:
    """Also where several clients make them, whose plans are built sooner than others that are sent first."""
    clients = [AgentClient("5", "7", queues, listener) for _ in range(3)]
    start_agent(over("folder", tmp_path, mailbox))
    answers: dict[int, Any] = {}
    never = threading.Event()

    def slowly(name: str) -> bytes:
        never.wait(0.5)
        return resource(name)

    def ask(number: int) -> None:
        files = slowly if number % 2 else resource
        answers[number] = clients[number % 3].call(TEMPLATE | {"Body": f"return {number}"}, files, 60)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: number for number in range(5)}


def test_a_plan_may_be_sent_without_waiting(
    tmp_path: Path,
    queues: FolderTransport,
    listener: AgentListener,
    mailbox: Mailbox,
    start_agent: StartAgent,
) -> None:
    client = AgentClient("5", "7", queues, listener)
    client.send(TEMPLATE | {"Body": f"open({str(tmp_path / 'done')!r}, 'w')\nreturn"}, resource)
    start_agent(over("folder", tmp_path, mailbox))
    client.wait_ready(60)
    assert (tmp_path / "done").exists()


def test_an_agent_that_does_not_answer_is_told(queues: FolderTransport, listener: AgentListener) -> None:
    client = AgentClient("5", "7", queues, listener)
    with pytest.raises(AgentTimeout, match=r"The murano-agent did not respond within 0\.2 seconds") as caught:
        client.call(TEMPLATE, resource, 0.2)
    assert caught.value.names[0] == "murano.common.exceptions.TimeoutException"
    assert not client.is_ready(0.1)


def test_agents_may_be_switched_off(queues: FolderTransport, listener: AgentListener) -> None:
    client = AgentClient("5", "7", queues, listener, enabled=False)
    for use in (
        lambda: client.call(TEMPLATE, resource),
        lambda: client.send(TEMPLATE, resource),
        client.wait_ready,
    ):
        with pytest.raises(AgentDisabled, match="disallowed by the server configuration"):
            use()


def test_a_bad_template_is_not_sent(queues: FolderTransport, listener: AgentListener) -> None:
    client = AgentClient("5", "7", queues, listener)
    with pytest.raises(PlanFault, match="Scripts/greet/Files/0: the package has no file"):
        client.call(TEMPLATE, lambda name: resource(name.replace("word", "x")), 1)
    assert queues.receive(QUEUE, 0) is None


def test_a_queue_that_cannot_be_used_is_told(tmp_path: Path, queues: FolderTransport) -> None:
    (tmp_path / "file").touch()
    broken = FolderTransport(tmp_path / "file")
    client = AgentClient("5", "7", broken, AgentListener("x", queues))
    with pytest.raises(AgentException, match="the plan could not be sent: queue e5-h7: "):
        client.send(TEMPLATE, resource)


def test_answers_that_are_none_do_not_disturb_the_listener(
    queues: FolderTransport, listener: AgentListener
) -> None:
    future = listener.subscribe("p1")
    queues.send(listener.queue_name, Message("no json", "p1"))
    queues.send(listener.queue_name, Message("[1]", "other"))
    queues.send(listener.queue_name, Message('{"SourceID": "p1", "ErrorCode": 0}', "x"))
    assert future.result(20)["ErrorCode"] == 0


def test_who_still_waits_is_told_when_the_listener_stops(queues: FolderTransport) -> None:
    listener = AgentListener("RegionOne", queues)
    client = AgentClient("5", "7", queues, listener)
    threading.Timer(0.3, listener.stop).start()
    with pytest.raises(AgentTimeout, match="was not waited for any longer"):
        client.call(TEMPLATE, resource, 60)


# -- signing


def test_the_agent_knows_what_the_engine_signs(key: bytes) -> None:
    signer = Signer.load(key)
    public = signature.load(signer.public_key("    "))
    assert signer.public_key("  ").startswith("  -----BEGIN RSA PUBLIC KEY-----\n  ")
    assert public.verify(QUEUE, "{}", signer.sign(QUEUE, "{}"))
    assert not public.verify("e5-h8", "{}", signer.sign(QUEUE, "{}"))


def test_only_rsa_keys_of_some_size_sign(key: bytes, tmp_path: Path) -> None:
    def pem(made: Any) -> bytes:
        data: bytes = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return data

    for bad in (
        b"nothing",
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
    ):
        with pytest.raises(ValueError, match=r"^signing key: "):
            Signer.load(bad)
    (tmp_path / "key.pem").write_bytes(key)
    assert Signer.read(tmp_path / "key.pem").sign("q", "t")


# -- the mailbox


def ask(
    mailbox: Mailbox, method: str, path: str, token: str | None = None, data: bytes | None = None
) -> tuple[int, str]:
    host, _, port = mailbox.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    try:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_an_agent_fetches_its_plans_and_leaves_its_answers(mailbox: Mailbox, queues: FolderTransport) -> None:
    agent = HttpTransport(mailbox.url, QUEUE, token_for(SECRET, QUEUE))
    assert agent.receive(QUEUE, 0) is None
    queues.send(QUEUE, Message("plan ä", "p1", "back", b"\x01"))
    first = agent.receive(QUEUE, 5)
    again = agent.receive(QUEUE, 5)
    assert first is not None
    assert again is not None
    assert first.message == again.message == Message("plan ä", "p1", "back", b"\x01")
    agent.acknowledge(QUEUE, first.receipt)
    assert agent.receive(QUEUE, 0) is None
    agent.send("-execution-results-x", Message("answer", "p1"))
    answer = queues.receive("-execution-results-x", 5)
    assert answer is not None
    assert answer.message == Message("answer", "p1")


def test_an_agent_that_waits_gets_its_plan_at_once(
    mailbox: Mailbox, queues: FolderTransport, tmp_path: Path
) -> None:
    agent = HttpTransport(mailbox.url, QUEUE, token_for(SECRET, QUEUE))
    sender = FolderTransport(tmp_path / "queues")
    threading.Timer(0.3, lambda: sender.send(QUEUE, Message("x", "p1"))).start()
    found = agent.receive(QUEUE, 50)
    assert found is not None
    assert found.id == "p1"


@pytest.mark.parametrize(
    "token", [None, "", "wrong", token_for(SECRET, "e5-h8"), token_for(b"other", QUEUE), "ä"]
)
def test_a_token_opens_its_own_queue_only(
    mailbox: Mailbox, queues: FolderTransport, token: str | None
) -> None:
    queues.send(QUEUE, Message("secret", "p1"))
    sent = token.encode().decode("latin-1") if token else token
    for method, path in (
        ("GET", "plans"),
        ("GET", "program"),
        ("DELETE", "plans/x"),
        ("POST", "results?to=-execution-results-x"),
    ):
        status, text = ask(
            mailbox, method, f"/agents/{QUEUE}/{path}", sent, b"{}" if method == "POST" else None
        )
        assert (status, text) == (401, "the token does not open this queue")


def test_a_machine_fetches_the_agent_itself(mailbox: Mailbox, tmp_path: Path) -> None:
    request = urllib.request.Request(
        f"{mailbox.url}/agents/{QUEUE}/program",
        headers={"Authorization": f"Bearer {token_for(SECRET, QUEUE)}"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        (tmp_path / "agent").write_bytes(response.read())
    done = subprocess.run(
        [sys.executable, "-S", tmp_path / "agent", "--help"], env={}, capture_output=True, text=True
    )
    assert "--config-file" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("method", "path", "data", "status", "message"),
    [
        ("GET", "/", None, 404, "there is nothing here"),
        ("GET", "/agents/e5-h7", None, 404, "there is nothing here"),
        ("GET", "/agents/e5-h7/plans?wait=long", None, 400, "wait: must be a number of seconds"),
        ("GET", "/agents/e5-h7/results", None, 405, "only plans and the program can be fetched"),
        ("DELETE", "/agents/e5-h7/plans", None, 405, "only the receipt of a plan can be deleted"),
        ("DELETE", "/agents/e5-h7/plans/..%2Fx", None, 400, "'../x' is no receipt"),
        ("POST", "/agents/e5-h7/plans", b"{}", 405, "only results can be posted"),
        ("POST", "/agents/e5-h7/results", b"{}", 403, "to: must be a queue for results"),
        ("POST", "/agents/e5-h7/results?to=e5-h8", b"{}", 403, "to: must be a queue for results"),
        ("POST", "/agents/e5-h7/results?to=-execution-results-..%2F..", b"{}", 403, "to: must be a queue"),
        (
            "POST",
            "/agents/e5-h7/results?to=-execution-results-x",
            b"{}",
            400,
            "not a message: it has no body",
        ),
        ("POST", "/agents/e5-h7/results?to=-execution-results-x", b"\xff", 400, "not a message: "),
        (
            "POST",
            "/agents/e5-h7/results?to=-execution-results-x",
            b"x" * 2000,
            413,
            "at most 1000 bytes are accepted",
        ),
    ],
)
def test_what_is_asked_wrongly_is_told(
    queues: FolderTransport, method: str, path: str, data: bytes | None, status: int, message: str
) -> None:
    mailbox = Mailbox(queues, SECRET, limit=1000)
    mailbox.start()
    try:
        found, text = ask(mailbox, method, path, token_for(SECRET, QUEUE), data)
    finally:
        mailbox.stop()
    assert found == status
    assert text.startswith(message)


def test_what_the_server_says_reaches_the_agents_log(mailbox: Mailbox) -> None:
    agent = HttpTransport(mailbox.url, QUEUE, "wrong")
    with pytest.raises(TransportError, match="401 the token does not open this queue"):
        agent.receive(QUEUE, 0)
    with pytest.raises(TransportError, match="Connection refused"):
        HttpTransport("http://127.0.0.1:9", QUEUE, "x").send("-execution-results-x", Message("x"))


def test_plans_survive_a_mailbox_that_is_away_for_a_while(
    tmp_path: Path, queues: FolderTransport, listener: AgentListener, start_agent: StartAgent
) -> None:
    first = Mailbox(queues, SECRET)
    first.start()
    port = int(first.url.rpartition(":")[2])
    start_agent(over("http", tmp_path, first))
    client = AgentClient("5", "7", queues, listener)
    client.wait_ready(60)
    first.stop()
    future = listener.subscribe("later")
    plan = client.build(TEMPLATE | {"Body": "return 'there again'"}, resource) | {"ID": "later"}
    client.send_raw(plan)
    second = Mailbox(queues, SECRET, ("127.0.0.1", port))
    second.start()
    try:
        assert future.result(90)["Body"] == "there again"
    finally:
        second.stop()


def test_an_answer_that_the_mailbox_refuses_is_told_as_an_error(
    tmp_path: Path, queues: FolderTransport, listener: AgentListener, start_agent: StartAgent
) -> None:
    mailbox = Mailbox(queues, SECRET, limit=2000)
    mailbox.start()
    try:
        start_agent(over("http", tmp_path, mailbox))
        client = AgentClient("5", "7", queues, listener)
        with pytest.raises(
            AgentException, match=r"the plan's answer was refused: .*at most 2000 bytes are accepted"
        ):
            client.call(TEMPLATE | {"Body": "return 'x' * 5000000"}, resource, 60)
        assert client.call(TEMPLATE | {"Body": "return 'small'"}, resource, 60) == "small"
    finally:
        mailbox.stop()


def test_messages_are_json_whatever_the_plan_holds(queues: FolderTransport, listener: AgentListener) -> None:
    client = AgentClient("5", "7", queues, listener)
    client.send(TEMPLATE | {"Parameters": {"ä": "\u2028", "n": None}}, resource)
    found = queues.receive(QUEUE, 0)
    assert found is not None
    assert found.message is not None
    assert json.loads(found.message.body)["Parameters"] == {"ä": "\u2028", "n": None}
    assert found.message.reply_to == "-execution-results-regionone"


def test_agents_may_ask_over_tls(queues: FolderTransport, tmp_path: Path) -> None:
    """With a certificate that the agent's ca_file knows; one that it does not know is refused."""
    import ssl

    def certificate(name: str) -> Path:
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=controller",
        ]
        command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{name}.key", "-out", f"{name}.pem"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        return tmp_path / f"{name}.pem"

    own, other = certificate("own"), certificate("other")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own, tmp_path / "own.key")
    mailbox = Mailbox(queues, SECRET, tls=tls)
    mailbox.start()
    try:
        queues.send(QUEUE, Message("x", "p1"))
        silent = socket.create_connection(("127.0.0.1", int(mailbox.url.rpartition(":")[2])))
        agent = HttpTransport(mailbox.url, QUEUE, token_for(SECRET, QUEUE), ca_file=own)
        found = agent.receive(QUEUE, 5)
        assert found is not None
        assert found.id == "p1"
        stranger = HttpTransport(mailbox.url, QUEUE, token_for(SECRET, QUEUE), ca_file=other)
        with pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED"):
            stranger.receive(QUEUE, 0)
        silent.close()
    finally:
        mailbox.stop()
