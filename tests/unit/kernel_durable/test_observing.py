"""What operators see: log lines, metrics, health; and what nobody sees: secrets."""

from __future__ import annotations

import io
import json
import logging
import stat
import subprocess
import threading

import pytest

from knarr.kernel import logs
from knarr.kernel.health import Health, database_check, disk_check
from knarr.kernel.metrics import Metrics
from knarr.kernel.secrets import SecretBox, SecretError

TOKEN = "gAAAAABo" + "x1_-" * 30


@pytest.fixture
def log():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def start(**options):
        stream = io.StringIO()
        logs.setup(stream=stream, **options)
        return stream

    yield start
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        "X-Auth-Token: s3cret",
        "headers={'X-Subject-Token': 's3cret', 'Accept': '*/*'}",
        '{"auth": {"password": "s3cret \\" quoted s3cret"}}',
        "Authorization: Bearer s3cret",
        "GET /v1?token=s3cret&x=1",
        "postgresql+psycopg://knarr:s3cret@db",
        "postgresql://knarr:s3cret@db/knarr",
        "mysql_root_password=s3cret",
        "adminPass: s3cret",
        "X-Registry-Auth: s3cret",
    ],
)
def test_secrets_are_masked(text):
    assert "s3cret" not in logs.mask(text)
    assert "***" in logs.mask(text)


def test_tokens_are_masked_wherever_they_stand():
    assert TOKEN not in logs.mask(f"validating {TOKEN}")


@pytest.mark.parametrize("text", ["container c1 created on h1", "image busybox:latest pulled", "author: me"])
def test_what_is_no_secret_stays(text):
    assert logs.mask(text) == text


def test_plain_lines_carry_the_request_id_and_stay_one_line(log):
    stream = log()
    with logs.request("req-1"):
        logging.getLogger("knarr.test").info("name %s", "a\nINFO forged", extra={"host": "h1"})
    logging.getLogger("knarr.test").debug("not at this level")
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert " INFO knarr.test [req-1] name a\\nINFO forged host='h1'" in line


def test_json_lines_hold_the_fields_and_no_secret(log):
    stream = log(fmt="json")
    try:
        int("password=s3cret")
    except ValueError:
        logging.getLogger("knarr.test").exception("failed with %s", TOKEN, extra={"token": "s3cret", "n": 3})
    line = json.loads(stream.getvalue())
    assert (line["level"], line["logger"], line["request_id"], line["n"]) == ("ERROR", "knarr.test", None, 3)
    assert line["message"] == "failed with ***"
    assert "ValueError" in line["traceback"]
    assert "s3cret" not in stream.getvalue()


def test_an_unknown_format_is_refused():
    with pytest.raises(ValueError, match="plain, json"):
        logs.setup(fmt="xml")


def test_metrics_count_requests_calls_and_operations(house):
    metrics = house.runtime.metrics = Metrics()
    metrics.watch_operations(house.db, house.operations)
    house.kind("thing.create", lambda work: None)
    engine = house.engine()
    house.finished(house.enqueue("thing.create"))
    engine.stop()
    house.enqueue("thing.create", "waits")
    for status in (200, 200, 404):
        metrics.request("zun", "GET", "/v1/containers/{ident}", status, 0.004)
    with metrics.engine_call("docker", "create"):
        pass
    with pytest.raises(OSError, match="away"), metrics.engine_call("docker", "create"):
        raise OSError("away")

    content_type, body = metrics.render()
    text = body.decode()
    assert content_type.startswith("text/plain")
    route = 'method="GET",route="/v1/containers/{ident}",service="zun"'
    assert f'knarr_requests_total{{{route},status="200"}} 2.0' in text
    assert f"knarr_request_seconds_count{{{route}}} 3.0" in text
    assert 'knarr_engine_call_seconds_count{driver="docker",method="create",outcome="error"} 1.0' in text
    assert 'knarr_operation_seconds_count{kind="thing.create",outcome="done"} 1.0' in text
    assert 'knarr_operations{kind="thing.create",state="queued"} 1.0' in text
    assert 'knarr_operations{kind="thing.create",state="running"} 0.0' in text


def test_health_names_what_is_wrong(house, tmp_path):
    engine = house.engine()
    health = Health(disable_file=tmp_path / "disabled")
    health.add("database", database_check(house.db))
    health.add("engine", engine.healthy)
    report = health.report()
    assert (report.status, report.view()["status"]) == (200, "OK")
    assert report.view()["checks"]["database"]["ok"]

    engine.stop()
    report = health.report()
    assert report.status == 503
    assert "not running" in report.view()["checks"]["engine"]["error"]


def test_health_fails_when_a_check_raises_and_tells_no_details():
    def check():
        raise OSError("cannot reach postgresql://knarr:s3cret@db")

    health = Health()
    health.add("database", check)
    report = health.report()
    assert (report.status, report.checks[0].error) == (503, "failed (OSError)")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("size=2m", None),
        ("size=512k", "full: less than 1 MiB is free"),
        ("size=2m,nr_inodes=1", "full: no more files can be made"),
        ("size=2m,ro", "read-only"),
    ],
)
def test_the_disk_is_asked_for_space_for_files_and_whether_it_is_written(tmp_path, options, error):
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        assert disk_check(tmp_path)() == error
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_file_takes_the_process_out_of_service(tmp_path):
    health = Health(disable_file=tmp_path / "disabled")
    assert health.report().status == 200
    (tmp_path / "disabled").touch()
    assert (health.report().status, health.report().reason) == (503, "DISABLED BY FILE")


def test_secrets_survive_a_restart_and_the_key_file_is_private(tmp_path):
    sealed = SecretBox(tmp_path).encrypt("påssword")
    assert "ssword" not in sealed
    assert SecretBox(tmp_path).decrypt(sealed) == "påssword"
    assert stat.S_IMODE((tmp_path / "secrets.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.key"]


def test_keys_are_rotated_while_others_use_them(tmp_path):
    box, other = SecretBox(tmp_path), SecretBox(tmp_path)
    old = other.encrypt("text")
    box.rotate(keep=2)
    new = other.renew(old)
    assert (other.decrypt(old), box.decrypt(new)) == ("text", "text")
    box.rotate(keep=2)
    with pytest.raises(SecretError):
        other.decrypt(old)
    assert other.decrypt(new) == "text"


def test_processes_that_start_together_agree_on_one_key(tmp_path):
    sealed = []
    together = threading.Barrier(8)

    def work():
        box = SecretBox(tmp_path)
        together.wait()
        sealed.append(box.encrypt("text"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [SecretBox(tmp_path).decrypt(value) for value in sealed] == ["text"] * 8


def test_what_is_no_secret_is_refused(tmp_path):
    with pytest.raises(SecretError):
        SecretBox(tmp_path).decrypt("nonsense")
