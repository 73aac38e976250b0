"""Cells of a notebook: run one after another inside a running event loop, interrupted, and run again.

A kernel executes each cell in its main thread while asyncio runs, keeps the last exception with its frames (so that an
abandoned loop is not collected), and turns an interruption into a KeyboardInterrupt.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from PythonClientTests.fake.daemon import FakeDaemon
from PythonClientTests.reference.ranks import SOURCES

pytest.importorskip("torch", reason="PyTorch is not installed")

KERNEL = """
import asyncio, json, signal, sys
cells = json.loads(sys.stdin.read())
namespace = {"socket": sys.argv[1], "log": []}
async def kernel():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # asyncio's own would end the loop
    for number, cell in enumerate(cells):
        await asyncio.sleep(0)
        try:
            exec(compile(cell, f"cell {number}", "exec"), namespace)
        except BaseException as error:
            # As a kernel does for %debug: the frames of the failed cell stay alive.
            sys.last_value, sys.last_traceback = error, error.__traceback__
            namespace["log"].append(type(error).__name__)
asyncio.run(kernel())
print(json.dumps(namespace["log"]))
"""

CELLS = [
    "import signal, threading, sluice\nfrom sluice import *",
    "dataset = StreamingDataset('fixtures', socket=socket, batch_size=4)\nbatches = BatchLoader(dataset, prefetch=1)",
    "for batch in batches:\n    break\nlog.append(dataset.epoch)",
    "for batch in batches:\n    signal.raise_signal(signal.SIGINT)",
    "log.append(sum(1 for batch in batches) == len(batches))",
    "loader = sluice.StreamingDataLoader(dataset, batch_size=4, num_workers=2, collate_fn=list)",
    "for batch in loader:\n    signal.raise_signal(signal.SIGINT)",
    "log.append(sum(len(batch) for batch in loader) == len(dataset))",
    "state = loader.state_dict()\nlog.append(state['sample_in_epoch'] == len(dataset))",
    "for batch in batches:\n    raise ValueError(batch)",
    # The cell that makes everything is run once more.
    "dataset = StreamingDataset('fixtures', socket=socket, batch_size=4)\nbatches = BatchLoader(dataset, prefetch=1)",
    "log.append(sum(1 for batch in batches) == len(batches))",
    "dataset[-1], dataset[:5], dataset",
    "import gc, sys\nsys.last_value = sys.last_traceback = None\ngc.collect()",
    "for thread in threading.enumerate():\n    if thread.name.startswith('sluice'):\n        thread.join(10)",
    "log.append([thread.name for thread in threading.enumerate() if thread.name.startswith('sluice')])",
]


def test_cells(daemon: FakeDaemon) -> None:
    code = f"import sys; sys.path.insert(0, {str(SOURCES)!r})\n{KERNEL}"
    answer = subprocess.run(
        [sys.executable, "-c", code, str(daemon.path)],
        input=json.dumps(CELLS),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    expected = [0, "KeyboardInterrupt", True, "KeyboardInterrupt", True, True, "ValueError", True, []]
    assert json.loads(answer.stdout.splitlines()[-1]) == expected, answer.stderr
