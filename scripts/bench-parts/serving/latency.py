"""Round trips for one sample; prints p50 and p99 in µs as JSON.

python latency.py KIND DIRECTORY ROUNDS [SOCKET DATASET]
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any


def main() -> None:
    """Time every round trip by itself."""
    kind, directory, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    dataset: Any
    if kind == "sluice":
        import sluice

        dataset = sluice.StreamingDataset(sys.argv[5], socket=sys.argv[4])
        session = dataset.session

        def get(number: int) -> Any:
            return session.samples([number])

    else:
        from streaming import StreamingDataset

        dataset = StreamingDataset(local=directory, batch_size=1)
        get = dataset.__getitem__
    generator = random.Random(5)  # noqa: S311
    numbers = [generator.randrange(len(dataset)) for _ in range(rounds)]
    for number in numbers[: rounds // 10]:
        get(number)
    times = []
    for number in numbers:
        began = time.perf_counter_ns()
        get(number)
        times.append(time.perf_counter_ns() - began)
    times.sort()
    print(json.dumps({"p50": times[len(times) // 2] / 1000, "p99": times[len(times) * 99 // 100] / 1000}))


if __name__ == "__main__":
    main()
