import base64

import pytest

from knarr.core.identity import totp

SEED = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("now", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_the_vectors_of_rfc_6238(now, code):
    assert totp.passcode(SEED, now) == code
    assert totp.matches(SEED, code, now)
    assert totp.matches(SEED, code, now + totp.STEP)
    assert not totp.matches(SEED, code, now + 2 * totp.STEP)


def test_the_next_one_does_not_fit_yet():
    assert not totp.matches(SEED, "081804", 1111111109 - totp.STEP)


@pytest.mark.parametrize("seed", ["", "====", "no base32!", "ünï"])
def test_of_what_is_no_seed_nothing_fits(seed):
    with pytest.raises(ValueError):
        totp.passcode(seed, 59)
    assert not totp.matches(seed, "328482", 59)


def test_the_padding_may_be_left_out_and_letters_be_small():
    assert totp.matches(SEED.rstrip("=").lower(), "287082", 59)
