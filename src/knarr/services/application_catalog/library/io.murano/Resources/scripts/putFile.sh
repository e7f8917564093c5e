#!/bin/sh
# Put the file that came with the plan where the first argument says.
set -e
target=$1
mkdir -p -- "$(dirname -- "$target")"
cp -- content "$target"
