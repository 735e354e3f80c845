"""Shared by all tests: one thread per process, no network, pytester."""

from __future__ import annotations

import os

pytest_plugins = ["pytester"]

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# tests that start pytest themselves must not take it for a worker of the pytest they run in
for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
    del os.environ[name]
