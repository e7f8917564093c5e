"""Tests that packages bring along: fixtures, mocks, and what runs them."""
