"""Configuration options of the identity service, in the group [identity]."""

from __future__ import annotations

from oslo_config import cfg

from knarr.core.identity.passwords import MAX_ROUNDS, MIN_ROUNDS

GROUP = "identity"

OPTIONS = [
    cfg.IntOpt("token_expiration", default=3600, min=1, help="How long a token is valid, in seconds."),
    cfg.IntOpt(
        "receipt_expiration",
        default=300,
        min=1,
        help="How long a login that lacks factors may be completed with its receipt, in seconds.",
    ),
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
    cfg.StrOpt("password_regex", help="A regular expression that a new password must match."),
    cfg.StrOpt(
        "password_regex_description", help="What a refused password is told about the regular expression."
    ),
    cfg.IntOpt(
        "unique_last_password_count",
        default=0,
        min=0,
        max=24,
        help="How many of their last passwords users may not choose again (0: any).",
    ),
    cfg.IntOpt(
        "minimum_password_age",
        default=0,
        min=0,
        help="Days for which users keep a password that they chose before they may choose another.",
    ),
    cfg.BoolOpt(
        "change_password_upon_first_use",
        default=False,
        help="Whether users must change a password that an administrator gave them before they log in.",
    ),
    cfg.IntOpt(
        "lockout_failure_attempts",
        default=0,
        min=0,
        help="After how many wrong passwords in a row a user is locked out (0: never).",
    ),
    cfg.IntOpt("lockout_duration", default=1800, min=1, help="For how many seconds a user is locked out."),
    cfg.StrOpt(
        "admin_password",
        secret=True,
        help="Password that the user admin gets when the database is new; generated if it is not given.",
    ),
]
