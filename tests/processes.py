"""Other processes: children that begin from a clean server, and code in an interpreter of its own."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

# A process that has used threads (OpenMP, BLAS) must not be forked: children start from a clean server. It has
# imported what modules of tests import, so that a child begins within milliseconds and not after a second.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["click.testing", "embedsearch.cli", "embedsearch.index.upkeep", "embedsearch.testing", "faiss",
     "hypothesis.stateful", "pytest"]
)  # fmt: skip


def python(code: str, *arguments: object, **environment: str) -> str:
    """Run code in a fresh interpreter, where a warning is an error; return what it prints."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    variables = os.environ | environment
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parent.parent, env=variables, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
