"""`format`: values put into texts."""

from __future__ import annotations

import pytest

from knarr.services.application_catalog.language.errors import InvalidArguments


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("'{0}-{1}'.format(a, 2)", "a-2"),
        ("format('{0}/udp', 53)", "53/udp"),
        ("'{}{}'.format(1, 2)", "12"),
        ("'{name}'.format(name => web)", "web"),
        ("'{0:03d}|{0:>4}|{1:.2f}'.format(7, 1.5)", "007|   7|1.50"),
        ("'{{{0}}}'.format(x)", "{x}"),
        ("'{0}'.format(null)", "None"),
        ("'{0[a]}-{x[1]}'.format(dict(a => 1), x => [5, 6])", "1-6"),
        ("'{0}'.format([1, 2])", "(1, 2)"),
    ],
)
def test_values_are_put_in(run, expression, wanted):
    assert run(f'Return: !yaql "{expression}"') == wanted


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("'{1}'.format(a)", "there is no argument .1., 1 were given"),
        ("'{who}'.format(a)", "neither a number nor an argument"),
        ("'{0.kind}'.format($this)", "neither a number nor an argument"),
        ("'{0[b]}'.format(dict(a => 1))", "there is no b"),
        ("'{0[__class__]}'.format(x)", "there is no __class__"),
        ("'{0[a].b}'.format(dict(a => 1))", "neither a number nor an argument"),
        ("'{0!r}'.format(a)", "!r is not known"),
        ("'{0:9999999999}'.format(a)", "says no way to write a value"),
        ("'{0:{1}}'.format(a, 9)", "says no way to write a value"),
        ("'{'.format(a)", "Single"),
        ("'{0:d}'.format(a)", "Unknown format code"),
    ],
)
def test_what_cannot_be_put_in_is_refused(run, expression, told):
    with pytest.raises(InvalidArguments, match=told):
        run(f'Return: !yaql "{expression}"')
