"""Giving out addresses, against a real database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import event, insert
from sqlalchemy.orm import Session

from knarr.core.network import ipam, subnetting
from knarr.core.network.models import Address, Network, Port, Subnet
from knarr.kernel.db import Database

BASE = {"project_id": "p"}
SUBNET = {**BASE, "id": "s", "network_id": "n", "dns_nameservers": [], "host_routes": []}
PORT = {
    **BASE,
    "id": "port",
    "network_id": "n",
    "mac_address": "m",
    "allowed_address_pairs": [],
    "profile": {},
}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/network.db")
    made.create_all()
    yield made
    made.close()


def fill(db: Database, cidr: str, used: list[int]) -> SimpleNamespace:
    """A subnet of which the addresses at these offsets are taken."""
    net = subnetting.parse_cidr(cidr, 4)
    pools = subnetting.default_pools(net, str(net[1]))
    with db.write() as session:
        session.execute(insert(Network), [{**BASE, "id": "n"}])
        session.execute(insert(Port), [PORT])
        values = {"ip_version": 4, "cidr": cidr, "allocation_pools": pools}
        session.execute(insert(Subnet), [{**SUBNET, **values}])
        base = int(net[0])
        rows = [
            {
                "subnet_id": "s",
                "position": ipam.position(base + n, 4),
                "port_id": "port",
                "ip_address": ipam.text(base + n, 4),
            }
            for n in used
        ]
        if rows:
            session.execute(insert(Address), rows)
    return SimpleNamespace(id="s", ip_version=4, cidr=cidr, allocation_pools=pools)


def test_the_one_free_address_among_65000_is_found_with_few_queries(db):
    subnet = fill(db, "10.0.0.0/16", [n for n in range(2, 65535) if n != 40000])
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    event.listen(db.engine, "before_cursor_execute", counted)
    with db.read() as session:
        assert ipam.free_address(session, subnet) == "10.0.156.64"
    assert count <= 20


def test_a_full_subnet_has_none(db):
    subnet = fill(db, "10.0.0.0/24", list(range(2, 255)))
    with db.read() as session:
        assert ipam.free_address(session, subnet) is None


def test_an_address_taken_meanwhile_makes_the_transaction_run_again(db):
    subnet = fill(db, "10.0.0.0/24", [])
    attempts = []

    def transaction() -> str:
        with db.write() as session:
            taken = "10.0.0.9" if not attempts else "10.0.0.10"
            attempts.append(taken)
            ipam.take(session, "port", [(subnet, taken)])
            _clash(session, subnet, len(attempts) == 1)
        return taken

    assert ipam.race(transaction) == "10.0.0.10"
    assert attempts == ["10.0.0.9", "10.0.0.10"]


def _clash(session: Session, subnet: SimpleNamespace, wanted: bool) -> None:
    if wanted:
        ipam.take(session, "port", [(subnet, "10.0.0.9")])


def test_eui64_follows_rfc_4291():
    assert ipam.eui64("2001:db8::/64", "34:56:78:9a:bc:de") == "2001:db8::3656:78ff:fe9a:bcde"


@pytest.mark.parametrize(
    ("address", "cidr", "good"),
    [
        ("10.0.0.0", "10.0.0.0/24", False),
        ("10.0.0.255", "10.0.0.0/24", False),
        ("10.0.0.1", "10.0.0.0/24", True),
        ("10.0.1.1", "10.0.0.0/24", False),
        ("10.0.0.0", "10.0.0.0/31", True),
        ("fd00::", "fd00::/64", False),
        ("fd00::ffff:ffff:ffff:ffff", "fd00::/64", True),
    ],
)
def test_which_addresses_a_port_may_have(address, cidr, good):
    from ipaddress import ip_address

    assert ipam.usable(ip_address(address), cidr) is good
