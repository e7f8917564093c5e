#!/bin/sh
# Runs Docker's client with the arguments of the plan.
exec docker "$@"
