"""Names for containers whose makers gave none: greek letter, number, `container`."""

from __future__ import annotations

import secrets

LETTERS = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
    "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
)  # fmt: skip


def generate() -> str:
    """Such as `sigma-17-container`."""
    return f"{secrets.choice(LETTERS)}-{secrets.randbelow(100)}-container"
