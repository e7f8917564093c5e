"""Options of interactive sessions, in the group [websocket_proxy]; upstream's names where it has them."""

from __future__ import annotations

from oslo_config import cfg

GROUP = "websocket_proxy"

OPTIONS = [
    cfg.StrOpt(
        "wsproxy_host",
        help="The address on which interactive sessions are taken. Default: that of `listen`.",
    ),
    cfg.PortOpt("wsproxy_port", default=6784, help="The port there; 0: any that is free."),
    cfg.StrOpt(
        "base_url",
        help="What the addresses of sessions begin with (ws://… or wss://…). Default: the address itself.",
    ),
    cfg.ListOpt(
        "allowed_origins",
        default=[],
        help="Hosts whose web pages may open sessions, beside the one that the request is for.",
    ),
    cfg.BoolOpt("ssl_only", default=False, help="Refuse connections without TLS. Needs `cert`."),
    cfg.StrOpt("cert", help="File of the certificate (PEM), with its chain. With it, TLS is spoken."),
    cfg.StrOpt("key", help="File of the certificate's key (PEM), if it is not in `cert`."),
    cfg.IntOpt("token_ttl", default=600, min=1, help="Seconds in which a session's address must be used."),
    cfg.IntOpt("idle_timeout", default=3600, min=0, help="Seconds without a byte until it ends; 0: never."),
    cfg.IntOpt("max_sessions", default=64, min=1, help="Sessions open at once on this host."),
    cfg.IntOpt("max_sessions_per_project", default=32, min=1, help="Sessions open at once of one project."),
    cfg.IntOpt("max_sessions_per_container", default=8, min=1, help="Sessions open at once in a container."),
    cfg.IntOpt("max_frame", default=65536, min=125, help="Bytes of the largest message of a client."),
    cfg.BoolOpt(
        "escape",
        default=True,
        help="End a session when somebody types `~.` at the beginning of a line: the official clients say so "
        "and do not do it.",
    ),
]
