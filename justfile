# `just NAME` runs a recipe; each is a line or two that can be typed as well.

# List the recipes
default:
    @just --list

# All that must hold before a change lands: formatting, lints, docs, tests, examples
check:
    .ci/run

# All tests
test *ARGS:
    cargo test --workspace {{ ARGS }}

# Training steps, layers and pools beside PyTorch's (--help lists the options; on an idle machine)
bench *ARGS: bench-python
    cargo build --release -p wengert-benches --bins
    cargo run --release --quiet -p wengert-benches --bin wengert-compare -- {{ ARGS }}

# PyTorch for `bench`, unless WENGERT_PYTHON names a Python that has it; without, our side runs alone
[private]
bench-python:
    -[ -n "${WENGERT_PYTHON:-}" ] || [ -e target/bench-venv/ready ] || { python3 -m venv target/bench-venv && target/bench-venv/bin/pip install --quiet --requirement benches/requirements.txt && touch target/bench-venv/ready; }

# Single loops by themselves; NAME picks those whose path contains it
bench-ops NAME="":
    cargo bench -p wengert-benches --bench tensor_ops -- {{ NAME }}

# The API documentation, and the book where mdbook is installed
doc:
    cargo doc --no-deps --workspace --all-features
    if command -v mdbook; then mdbook build docs; else echo "no mdbook: docs/ is not built"; fi

# Compute the reference values of tests/fixtures anew, with PyTorch
fixtures:
    python3 -m venv target/fixtures-venv
    target/fixtures-venv/bin/pip install --quiet --requirement tests/fixtures/requirements.txt
    target/fixtures-venv/bin/python tests/fixtures/generate.py
