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

# The benchmarks; NAME picks those whose path contains it
bench NAME="":
    cargo bench -p wengert-benches -- {{ NAME }}

# The API documentation, and the book where mdbook is installed
doc:
    cargo doc --no-deps --workspace --all-features
    if command -v mdbook; then mdbook build docs; else echo "no mdbook: docs/ is not built"; fi

# Compute the reference values of tests/fixtures anew, with PyTorch
fixtures:
    python3 -m venv target/fixtures-venv
    target/fixtures-venv/bin/pip install --quiet --requirement tests/fixtures/requirements.txt
    target/fixtures-venv/bin/python tests/fixtures/generate.py
