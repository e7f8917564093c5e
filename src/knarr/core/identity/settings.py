"""Configuration options of the identity service, in the group [identity]."""

from __future__ import annotations

from oslo_config import cfg

from knarr.core.identity.passwords import MAX_ROUNDS, MIN_ROUNDS

GROUP = "identity"

OPTIONS = [
    cfg.IntOpt("token_expiration", default=3600, min=1, help="How long a token is valid, in seconds."),
    cfg.IntOpt(
        "allow_expired_window",
        default=172800,
        min=0,
        help="For how many seconds after its end a token is still shown to services that ask with "
        "allow_expired=1, to finish work that was begun with it.",
    ),
    cfg.IntOpt(
        "max_active_keys", default=3, min=2, help="How many token keys are kept, the staged one included."
    ),
    cfg.IntOpt(
        "key_rotation_interval",
        default=604800,
        min=0,
        help="Seconds after which a new token key takes over (0: never by itself). The interval times "
        "(max_active_keys - 2) must be longer than tokens live.",
    ),
    cfg.IntOpt(
        "token_cache_size", default=10000, min=16, help="How many checked tokens each process remembers."
    ),
    cfg.FloatOpt(
        "change_interval",
        default=1.0,
        min=0.0,
        help="Seconds after which a process notices at the latest that another one changed users or roles.",
    ),
    cfg.IntOpt(
        "password_hash_rounds",
        default=12,
        min=MIN_ROUNDS,
        max=MAX_ROUNDS,
        help="Work of a password hash (bcrypt) as a power of two; each step doubles the time of a login.",
    ),
    cfg.IntOpt(
        "minimum_password_length", default=8, min=1, help="The shortest password that a user may get."
    ),
    cfg.IntOpt(
        "password_expires_days",
        default=0,
        min=0,
        help="Days after which a password must be changed (0: never).",
    ),
    cfg.StrOpt(
        "admin_password",
        secret=True,
        help="Password that the user admin gets when the database is new; generated if it is not given.",
    ),
]
