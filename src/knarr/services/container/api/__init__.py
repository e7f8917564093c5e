"""Handlers, a module for each resource."""
