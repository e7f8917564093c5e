"""Every image command of the official client, by an administrator, a member and a stranger.

docs/commands/image.md says what each of them comes to; it is compared with what happens here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.e2e.support import alone, kept, script
from tests.e2e.support.script import Ran
from tests.e2e.support.server import Knarr

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]

TABLE = Path(__file__).parents[2] / "docs" / "commands" / "image.md"
GROUP = "openstack.image.v2"
LARGE = 256 * 1024 * 1024  # bytes
DATA = b"disk" * 100_000

# As tests/e2e/support/script.py explains; {file} has DATA in it.
SCRIPT = """
member: image = image create --container-format bare --disk-format raw --file {file} --tag red --min-disk 1 \
--property os_distro=x box
member: image show {image} >> active
member: image show {image} >> {size}
member: image show box >> os_distro='x'
member: ! image create --id {image} again >> 409
member: ! image create --public mine >> 403
member: ! image create --project {theirs} given >> 403
member: image list --long --property os_distro=x --status active --tag red >> box
member: image list --name other !> box
member: image set --name crate --min-ram 64 --os-distro y --tag blue --property k=v --private box
member: image show crate >> k='v'
member: image unset --tag red --property k crate
member: image show crate !> k='v'
member: image save --file {copy} crate
member: image set --deactivate crate
member: ! image save --file {copy} crate
member: image set --activate --protected crate
member: ! image delete crate >> protected
member: image set --unprotected --hidden crate
member: image list !> crate
member: image list --hidden >> crate
member: image set --unhidden --shared crate
member: ! image delete --store file crate >> only store
member: ! image set --public crate >> 403

stranger: image list --all !> crate
stranger: ! image show {image}
stranger: ! image save --file {copy} {image}
stranger: ! image set --name taken {image}
stranger: ! image unset --tag blue {image}
stranger: ! image delete {image}
stranger: ! image add project {image} {theirs}
stranger: ! image member list {image}
stranger: ! image stage --file {file} {image}
stranger: ! image import --method glance-direct {image}
member: image add project {image} {theirs} >> pending
member: ! image add project {image} {theirs} >> 409
member: image member list {image} >> {theirs}
member: image member get {image} {theirs} >> pending
stranger: image show {image} >> crate
stranger: image list !> crate
stranger: image list --shared --member-status pending >> crate
stranger: image member get {image} {theirs} >> pending
stranger: image set --accept {image}
stranger: image list >> crate
stranger: ! image set --name taken {image} >> 403
stranger: ! image remove project {image} {theirs} >> 403
member: image member list crate >> accepted
member: image remove project {image} {theirs}
stranger: ! image show {image}
member: image set --community crate
stranger: image show {image} >> crate
stranger: image list !> crate
stranger: image list --community >> crate
admin: image set --public {image}
stranger: image list --public >> crate
admin: image set --private {image}
stranger: ! image show {image}

member: image import info >> glance-direct
member: image stage --file {file} later
member: image show later >> uploading
stranger: ! image import {later}
member: image import later
member: ~ image show later >> active
member: image save --file {copy} later
member: ! image import later >> status 'uploading'
member: ! image import --method copy-image --all-stores later >> not supported by this
member: image stores list >> file
member: ! image stores list --detail >> 403
admin: image stores list --detail >> data_dir

admin: task = image task list --status success --sort-key created_at --sort-dir desc -c ID -f value
admin: image task list >> api_image_import
admin: image task show {task} >> {later}
member: ! image task list >> 403
member: ! image task show {task} >> Policy doesn't allow
admin: ! image task show {later} >> No task found
member: quick = image create --container-format bare --disk-format raw --file {file} --import quick
member: image import --method web-download --uri {web}/disk fetched
member: ~ image show fetched >> active
member: image save --file {copy} fetched
member: image import --method web-download --uri http://192.0.2.1/disk empty
member: image show empty >> queued
member: ~ image show quick >> active
member: image delete quick

admin: cached image queue {later}
admin: ~ cached image list >> cached
admin: cached image list >> {later}
admin: ! cached image queue no-such-image
member: ! cached image queue {later} >> 403
member: ! cached image list >> Policy doesn't allow
member: ! cached image delete {later} >> 403
member: ! cached image clear
member: image save --file {copy} later
admin: cached image delete {later}
admin: cached image list !> {later}
admin: cached image queue {later}
admin: ~ cached image list >> cached
admin: cached image clear --queue
admin: cached image list >> {later}
admin: cached image clear
admin: cached image list !> {later}
member: image delete later
admin: cached image list !> {later}

admin: image metadef namespace create --display-name Shown --description told --public OS::Shown >> OS::Shown
admin: image metadef namespace create --private --protected OS::Hidden
member: ! image metadef namespace create OS::Mine >> 403
member: image metadef namespace list --visibility public >> OS::Shown
member: image metadef namespace list !> OS::Hidden
member: image metadef namespace show OS::Shown >> told
member: ! image metadef namespace show OS::Hidden >> was not found
member: ! image metadef namespace set --description mine OS::Shown >> 403
admin: image metadef namespace set --display-name Showing --public --tag wide --tag high OS::Shown
member: image metadef namespace show OS::Shown >> Showing
member: image metadef namespace show OS::Shown >> high
admin: image metadef namespace unset --tag high OS::Shown
member: image metadef namespace show OS::Shown !> high
member: ! image metadef namespace unset --all-tags OS::Shown
admin: image metadef namespace unset --all-tags OS::Shown
member: image metadef namespace show OS::Shown !> wide
member: ! image metadef namespace delete OS::Shown >> 403
admin: ! image metadef namespace delete OS::Hidden >> protected

admin: image metadef object create --namespace OS::Shown crate >> crate
member: ! image metadef object create --namespace OS::Shown mine >> 403
member: image metadef object list OS::Shown >> crate
member: image metadef object show OS::Shown crate >> OS::Shown
admin: image metadef object update --name box OS::Shown crate
member: image metadef object list OS::Shown >> box
member: ! image metadef object update --name mine OS::Shown box >> 403
member: ! image metadef object show OS::Shown crate >> was not found
member: ! image metadef object property show OS::Shown box side >> not found
member: image metadef object property show OS::Filled Box side >> Side
member: ! image metadef object delete OS::Shown box >> 403
admin: image metadef object delete OS::Shown box
member: image metadef object list OS::Shown !> box
admin: image metadef object delete OS::Shown

admin: image metadef property create --name cores --title Cores --type integer --schema '{{"minimum": 1}}' \
OS::Shown >> Cores
admin: ! image metadef property create --name cores --title C --type number --schema '{{}}' OS::Shown >> 409
admin: ! image metadef property create --name x --title X --type word --schema '{{}}' OS::Shown >> type
member: ! image metadef property create --name x --title X --type number --schema '{{}}' OS::Shown >> 403
member: image metadef property list OS::Shown >> cores
member: image metadef property show OS::Shown cores >> minimum
admin: image metadef property set --name kernels --title Kernels OS::Shown cores
member: image metadef property show OS::Shown kernels >> minimum
member: ! image metadef property set --title Mine OS::Shown kernels >> 403
member: ! image metadef property delete OS::Shown kernels >> 403
admin: image metadef property delete OS::Shown kernels
member: image metadef property list OS::Shown !> kernels
admin: image metadef property delete OS::Shown

admin: image metadef resource type association create --properties-target image OS::Shown OS::Glance::Image
member: ! image metadef resource type association create OS::Shown OS::Nova::Flavor >> 403
member: image metadef resource type association list OS::Shown >> OS::Glance::Image
member: image metadef resource type list >> OS::Glance::Image
member: image metadef namespace list --resource-types OS::Glance::Image >> OS::Shown
member: image metadef namespace list --resource-types OS::Nova::Flavor !> OS::Shown
member: ! image metadef resource type association delete OS::Shown OS::Glance::Image >> 403
admin: image metadef namespace set --protected OS::Shown
admin: ! image metadef resource type association delete OS::Shown OS::Glance::Image >> protected
admin: image metadef resource type association delete --force OS::Shown OS::Glance::Image
admin: image metadef resource type association list OS::Shown !> OS::Glance::Image
admin: image metadef namespace set --unprotected OS::Shown
admin: image metadef namespace delete OS::Shown
member: ! image metadef namespace show OS::Shown >> was not found

member: image delete {image}
member: ! image show {image}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("image")


@pytest.fixture(scope="module")
def web(folder: Path) -> Iterator[str]:
    """The address of a web server that has the files of the folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def knarr(folder: Path, web: str) -> Iterator[Knarr]:
    host, _, port = web.partition(":")
    allowed = {"web_download_hosts": host, "web_download_ports": port}
    with alone.started(folder / "knarr", image=allowed) as started:
        yield started


@pytest.fixture(scope="module")
def people(knarr: Knarr) -> Iterator[dict[str, kept.Caller]]:
    with kept.clients() as clients:
        admin = kept.Caller(clients, knarr.admin())
        member, stranger = _person(admin, "mine", "member-1"), _person(admin, "theirs", "stranger-1")
        _fill(knarr, member)
        yield {"admin": admin, "member": member, "stranger": stranger}


def _person(admin: kept.Caller, project: str, name: str) -> kept.Caller:
    admin.openstack("project", "create", project)
    admin.openstack("user", "create", "--password", name, name)
    admin.openstack("role", "add", "--project", project, "--user", name, "member")
    own = {"username": name, "password": name, "project_name": project}
    return kept.Caller(admin.clients, admin.auth | own)


def _fill(knarr: Knarr, member: kept.Caller) -> None:
    """What the client does not make: an object with a property, and, where its input is no terminal, images
    without data."""
    side = {"title": "Side", "type": "integer"}
    objects = [{"name": "Box", "properties": {"side": side}}]
    space = {"namespace": "OS::Filled", "visibility": "public", "objects": objects}
    _post(knarr, knarr.token(), "metadefs/namespaces", space)
    for name in ("later", "fetched", "empty"):
        image = {"name": name, "container_format": "bare", "disk_format": "raw"}
        _post(knarr, knarr.token(member.auth), "images", image)


def _post(knarr: Knarr, token: str, path: str, body: dict[str, Any]) -> None:
    made = knarr.call("POST", f"/image/v2/{path}", body, token=token)
    assert made.status == 201, made


@pytest.fixture(scope="module")
def ran(people: dict[str, kept.Caller], folder: Path, web: str) -> list[Ran]:
    """The whole script, run once."""
    (folder / "disk").write_bytes(DATA)
    names = {"file": str(folder / "disk"), "copy": str(folder / "copy"), "size": str(len(DATA))}
    names["web"] = f"http://{web}"
    for name in ("mine", "theirs"):
        names[name] = people["admin"].data("project show", name)["id"]
    names["later"] = people["member"].data("image show", "later")["id"]

    def run(person: kept.Caller) -> script.Run:
        return lambda command: person.openstack(*shlex.split(command), check=False)

    return list(script.play(SCRIPT, {who: run(person) for who, person in people.items()}, names))


def test_each_command_ends_as_it_should(ran: list[Ran]) -> None:
    wrong = [str(one) for one in ran if not one.right]
    assert not wrong, "\n".join(wrong)


def test_no_failure_is_a_fault_of_the_server_or_the_client(ran: list[Ran]) -> None:
    said = script.faults(ran)
    assert not said, "\n".join(said)


def test_what_is_saved_is_what_was_given(ran: list[Ran], folder: Path) -> None:
    assert ran
    assert (folder / "copy").read_bytes() == DATA


def test_the_table_names_every_command_of_the_client(people: dict[str, kept.Caller]) -> None:
    groups = people["admin"].data("command list", "--group", GROUP)
    (known,) = (group["Commands"] for group in groups if group["Command Group"] == GROUP)
    assert set(script.table(TABLE)) == set(known)


def test_the_table_says_what_each_command_comes_to(ran: list[Ran]) -> None:
    assert not script.untrue(ran, script.table(TABLE))


def test_large_data_does_not_stay_in_memory(
    knarr: Knarr, people: dict[str, kept.Caller], folder: Path
) -> None:
    large, copy = folder / "large", folder / "large-copy"
    with large.open("wb") as file:
        file.truncate(LARGE)
    before = _most_memory(knarr)
    member = people["member"]
    member.openstack("image", "create", "--disk-format", "raw", "--file", str(large), "large")
    member.openstack("image", "save", "--file", str(copy), "large")
    member.openstack("image", "delete", "large")
    assert copy.stat().st_size == LARGE
    assert _most_memory(knarr) - before < LARGE // 4


def _most_memory(knarr: Knarr) -> int:
    """Bytes that the process has had resident at the most."""
    assert knarr.process
    status = Path(f"/proc/{knarr.process.pid}/status").read_text()
    return 1024 * int(re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[0])
