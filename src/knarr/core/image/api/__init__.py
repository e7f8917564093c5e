"""Handlers of the image API."""
