#!/bin/sh
# Resolve the dependencies of pyproject.toml and write the hashed pins: `make pins`. Any Python 3 with venv will do.
# The versions that are pinned now are kept where they still fit; UPGRADE=1 takes the newest.
# Nothing names the index or the host that packages came from.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# uv alone can be told that some packages publish bounds that are too narrow (pyproject.toml, tool.uv).
python=.venv/bin/python
[ -x "$python" ] || python=${PYTHON:-python3}
"$python" -m venv "$scratch/uv"
"$scratch/uv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
  --require-hashes -r requirements/uv.txt

resolve() { # OUTPUT ARGUMENT...: keep the versions of OUTPUT, and write it only when all of it is there
  output=$1
  shift
  cp "requirements/$output" "$scratch/$output"
  "$scratch/uv/bin/uv" pip compile "$@" --quiet --universal --python-version 3.11 --generate-hashes --no-header \
    --no-annotate --no-emit-index-url ${UPGRADE:+--upgrade} -o "$scratch/$output" >/dev/null
  # What holds wherever netlens is installed (tool.uv, environments) would only make pip leave everything out elsewhere.
  sed -i -e "/^[a-z]/s/ and platform_machine == 'x86_64'//" -e "/^[a-z]/s/ and sys_platform == 'linux'//" \
    -e "/^[a-z]/s/python_full_version < '3.14' and //" -e "/^[a-z]/s/ ; platform_machine == 'x86_64'//" \
    -e "/^[a-z]/s/ ; python_full_version < '3.14'//" "$scratch/$output"
}
resolve cpu.txt pyproject.toml --extra cpu --extra dev
# The two differ by TensorFlow and NVIDIA's libraries only.
grep -v '^tensorflow' "$scratch/cpu.txt" | grep '^[a-z]' | sed 's/ *\\$//' >"$scratch/same.txt"
resolve gpu.txt pyproject.toml --extra gpu --extra dev -c "$scratch/same.txt"
# What a cluster needs beside one of the two: only what they lack.
others=$(sed 's/[=[ ].*//; s/^/--no-emit-package /' "$scratch/same.txt")
# shellcheck disable=SC2086 # options, one word each
resolve slurm.txt pyproject.toml --extra slurm -c "$scratch/same.txt" $others
echo 'snakemake-executor-plugin-cluster-generic>=1.0.9,<2' >"$scratch/kubernetes.in"
# shellcheck disable=SC2086
resolve kubernetes.txt "$scratch/kubernetes.in" -c "$scratch/same.txt" $others
printf 'pip\nsetuptools\nwheel\n' >"$scratch/build.in"
resolve build.txt "$scratch/build.in" -c "$scratch/same.txt"
echo uv >"$scratch/uv.in"
resolve uv.txt "$scratch/uv.in"

for output in cpu gpu slurm kubernetes build uv; do
  cmp -s "$scratch/$output.txt" "requirements/$output.txt" || echo "requirements/$output.txt changed"
  cp "$scratch/$output.txt" "requirements/$output.txt"
done
