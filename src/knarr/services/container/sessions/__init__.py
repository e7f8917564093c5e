"""Interactive sessions: a terminal in a container, reached by WebSocket.

`ledger` (tokens and who holds a session), `proxy` (the sessions of a host and how they come about),
`listener` (the address that clients connect to), `connection` (one WebSocket), `origin` (which web pages may
connect), `relay` (bytes between a WebSocket and a terminal), `keystrokes` (what a client types: the escape
that leaves).
"""
