"""Handlers of the identity API, a module per resource."""
