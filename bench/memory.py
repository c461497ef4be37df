"""The memory of one contestant, in a process of its own.

    python bench/memory.py in-flight komopay_async --url http://127.0.0.1:8080 --calls 1000
    python bench/memory.py growth komopay --url http://127.0.0.1:8080 --calls 100000

`in-flight`: what each of so many calls of asyncio that are under way at once adds at the most. `growth`: what is held
after so many calls, against 10,000. Linux only. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
from pathlib import Path

from contestants import ASYNC, SYNC, Server, series, series_async

EARLY = 10_000


def held(line: str) -> int:
    """KiB, from this line of what the system says of the process."""
    status = Path("/proc/self/status").read_text()
    return next(int(text.split()[1]) for text in status.splitlines() if text.startswith(line))


async def in_flight(contestant: str, server: Server, calls: int) -> dict[str, float]:
    call = await ASYNC[contestant](server)
    await series_async(call, "warm", 4, 1)
    gc.collect()
    # The peak so far is forgotten: that of the imports may be higher than what calls add.
    Path("/proc/self/clear_refs").write_text("5")
    before = held("VmRSS")
    await series_async(call, "call", calls, calls)
    return {"kib_per_call": (held("VmHWM") - before) / calls}


def growth(contestant: str, server: Server, calls: int) -> dict[str, float]:
    call = SYNC[contestant](server)
    series(call, "early", EARLY, 1)
    early = held("VmRSS")
    series(call, "late", calls - EARLY, 1)
    return {"early_kib": early, "late_kib": held("VmRSS")}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["in-flight", "growth"])
    parser.add_argument("contestant", choices=[*SYNC, *ASYNC])
    parser.add_argument("--url", required=True)
    parser.add_argument("--calls", type=int, required=True)
    options = parser.parse_args()
    server = Server(options.url, None, False)
    if options.what == "growth":
        found = growth(options.contestant, server, options.calls)
    else:
        found = asyncio.run(in_flight(options.contestant, server, options.calls))
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
