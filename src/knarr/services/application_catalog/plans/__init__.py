"""Execution plans, the engine's side: built from templates, signed, sent, and their answers read.

`knarr_agent` is the other side, and defines what both have to agree on: formats, names of queues, messages.
"""
