# What each target does stands in scripts/. STATE_DIR=, LISTEN= and ENGINE= choose where `up` runs.
SHELL := /bin/bash
export STATE_DIR LISTEN ENGINE CONFIG_FILE

.PHONY: help up down clients test lint bench images clean

help:
	@echo "make up      install what is missing, start Knarr and, if none answers, a Docker engine"
	@echo "make down    stop what up started"
	@echo "make clients the official clients (openstack …), in .venv-clients"
	@echo "make test    all tests   (ARGS= goes to pytest)"
	@echo "make lint    ruff and mypy"
	@echo "make bench   the figures, each beside its target"
	@echo "make images  busybox:latest and a small Debian, made here"
	@echo "make clean   remove the virtual environments and caches"

up:
	@scripts/up.sh

down:
	@scripts/down.sh

clients:
	@scripts/setup.sh --clients

test:
	@scripts/test.sh $(ARGS)

lint:
	@scripts/setup.sh --test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench:
	@scripts/setup.sh --test
	.venv/bin/python -m bench.run $(ARGS)

images:
	@scripts/images.sh --debian

clean:
	rm -rf .venv .venv-clients .mypy_cache .ruff_cache .pytest_cache build dist src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
