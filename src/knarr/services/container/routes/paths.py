"""Paths that several tables share."""

C = "/v1/containers/{ident}"
