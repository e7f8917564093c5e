"""What people type and what terminals show, in pieces as they come."""

from __future__ import annotations

import pytest

from knarr.services.container.sessions.keystrokes import Characters, Escape


def typed(*pieces: bytes) -> tuple[bytes, bool]:
    """What reaches the terminal, and whether the last piece left."""
    escape = Escape()
    answers = [escape.feed(piece) for piece in pieces]
    assert not any(leaves for _, leaves in answers[:-1])
    return b"".join(passed for passed, _ in answers), answers[-1][1]


@pytest.mark.parametrize(
    "pieces",
    [(b"~", b"."), (b"~.",), (b"ls\r", b"~", b"."), (b"l", b"s", b"\r", b"~."), (b"\r~", b"."), (b"\n~.",)],
)
def test_tilde_and_dot_at_the_beginning_of_a_line_leave(pieces: tuple[bytes, ...]) -> None:
    passed, leaves = typed(*pieces)

    assert leaves
    assert passed == b"".join(pieces).removesuffix(b"~.")


@pytest.mark.parametrize(
    "pieces",
    [
        (b"cd ", b"~", b"."),
        (b"cat ~.",),
        (b"~.profile\r",),
        (b"first\r~.\rlast\r",),
        (b"~", b"/bin/x"),
        (b"~", b"~", b"."),
        (b".",),
        (b"~", b"\r"),
    ],
)
def test_everything_else_reaches_the_terminal_as_it_was_typed(pieces: tuple[bytes, ...]) -> None:
    assert typed(*pieces) == (b"".join(pieces), False)


def test_a_tilde_is_kept_until_the_next_key_tells() -> None:
    escape = Escape()

    assert escape.feed(b"~") == (b"", False)
    assert escape.feed(b"x") == (b"~x", False)


@pytest.mark.parametrize("text", ["ä", "€", "𝄞", "aä€𝄞b"])
def test_output_is_cut_between_characters(text: str) -> None:
    data = text.encode()
    for at in range(len(data) + 1):
        cut = Characters()
        pieces = [cut.feed(data[:at]), cut.feed(data[at:])]

        assert "".join(piece.decode() for piece in pieces) == text
        assert cut.rest() == b""


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\x80\x80\x80\x80", b"\xe2\x82", b"a\xf0\x9f"])
def test_bytes_that_are_no_text_pass(data: bytes) -> None:
    cut = Characters()

    assert cut.feed(data) + cut.rest() == data
