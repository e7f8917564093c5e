"""What roles imply."""

from knarr.core.identity import grants
from knarr.core.identity.grants import RoleBook

NAMES = {"1": "admin", "2": "manager", "3": "member", "4": "reader", "9": "local"}


def book(direct):
    domains = dict.fromkeys(NAMES, "") | {"9": "some-domain"}
    return RoleBook(NAMES, domains, {prior: grants._closure(prior, direct) for prior in direct})


def test_implications_go_on():
    roles = book({"1": {"2"}, "2": {"3"}, "3": {"4"}})
    assert roles.expand({"1"}) == {"1", "2", "3", "4"}
    assert roles.expand({"3"}) == {"3", "4"}
    assert roles.expand(set()) == set()


def test_a_circle_ends():
    roles = book({"2": {"3"}, "3": {"2"}})
    assert roles.expand({"2"}) == {"2", "3"}


def test_a_role_of_one_domain_gives_what_it_implies_but_is_not_shown():
    assert book({"9": {"3"}, "3": {"4"}}).expand({"9"}) == {"3", "4"}


def test_the_view_is_sorted_by_name():
    assert [role["name"] for role in book({}).view({"4", "1"})] == ["admin", "reader"]
