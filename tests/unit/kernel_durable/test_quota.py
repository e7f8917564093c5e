"""Quotas hold under any number of simultaneous requests."""

from __future__ import annotations

import threading

import pytest

from knarr.kernel.db import retry_on_conflict
from knarr.kernel.errors import OverQuota
from knarr.kernel.quota import Quotas

QUOTAS = Quotas("container", {"containers": 10, "memory": 2048, "disk": -1})


def charge(db, project="p1", quotas=QUOTAS, **deltas):
    with db.write() as session:
        quotas.charge(session, project, deltas)


def usage(db, project="p1", quotas=QUOTAS):
    with db.read() as session:
        return quotas.usage(session, project)


def test_use_is_counted_and_given_back(db):
    charge(db, containers=3, memory=512, disk=10**12)
    charge(db, containers=-1, memory=-512)
    assert usage(db) == {"containers": 2, "memory": 0, "disk": 10**12}
    assert usage(db, "p2") == {"containers": 0, "memory": 0, "disk": 0}


def test_too_much_is_refused_as_a_whole_and_every_reason_is_named(db):
    charge(db, containers=9, memory=2000)
    with pytest.raises(OverQuota) as error:
        charge(db, containers=2, memory=49, disk=1)
    assert "containers (requested 2, in use 9, limit 10)" in error.value.detail
    assert "memory (requested 49, in use 2000, limit 2048)" in error.value.detail
    assert "disk" not in error.value.detail
    assert usage(db) == {"containers": 9, "memory": 2000, "disk": 0}


def test_the_last_unit_may_be_used(db):
    charge(db, containers=10)
    with pytest.raises(OverQuota):
        charge(db, containers=1)


def test_fifty_threads_get_exactly_what_the_limit_allows(db):
    outcomes = []
    together = threading.Barrier(50)

    def request() -> None:
        together.wait()
        try:
            retry_on_conflict(lambda: charge(db, containers=1, memory=1))
            outcomes.append("taken")
        except OverQuota:
            outcomes.append("refused")

    threads = [threading.Thread(target=request) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("taken"), outcomes.count("refused")) == (10, 40)
    assert usage(db)["containers"] == 10


def test_a_project_limit_goes_before_the_class_and_the_class_before_the_default(db):
    with db.write() as session:
        QUOTAS.set_class_limits(session, {"containers": 20, "memory": 4096})
        QUOTAS.set_limits(session, "p1", {"containers": 1})
        QUOTAS.set_limits(session, "p1", {"containers": 2})
    with db.read() as session:
        assert QUOTAS.limits(session, "p1") == {"containers": 2, "memory": 4096, "disk": -1}
        assert QUOTAS.limits(session, "p2")["containers"] == 20
        assert QUOTAS.class_limits(session)["memory"] == 4096
    with pytest.raises(OverQuota):
        charge(db, containers=3)
    with db.write() as session:
        QUOTAS.reset(session, "p1")
    charge(db, containers=3)


def test_limits_that_make_no_sense_are_refused(db):
    for limits, message in (({"cats": 1}, "unknown resource cats"), ({"memory": -2}, "must be -1")):
        with pytest.raises(ValueError, match=message), db.write() as session:
            QUOTAS.set_limits(session, "p1", limits)


def test_services_do_not_share_their_quotas(db):
    network = Quotas("network", lambda conf: {"containers": conf["limit"]}, conf={"limit": 1})
    charge(db, containers=5)
    charge(db, quotas=network, containers=1)
    with pytest.raises(OverQuota):
        charge(db, quotas=network, containers=1)
    assert usage(db)["containers"] == 5


def test_drift_is_put_right_by_counting_again(db):
    charge(db, containers=5, memory=100)
    charge(db, "p2", containers=1)
    there = {"p1": {"containers": 2, "memory": 100}, "p3": {"containers": 4}}
    with db.write() as session:
        wrong = QUOTAS.recount(session, lambda session: there)
    assert wrong == 3
    assert usage(db) == {"containers": 2, "memory": 100, "disk": 0}
    assert usage(db, "p2")["containers"] == 0
    assert usage(db, "p3")["containers"] == 4


def test_giving_back_more_than_is_used_leaves_nothing_used(db):
    charge(db, containers=1)
    charge(db, containers=-5)
    assert usage(db)["containers"] == 0
