"""The demo's outer half: makes namespaces in which everything happens, and ends with them."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from testbed.certificates import namespace_options

ROOT = Path(__file__).resolve().parents[2]
# Where the inner half keeps its files: a directory every Debian has, covered by a memory file system of our own.
STAGES = (Path("/mnt"), Path("/srv"), Path("/media"))


def parse() -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description="One mixed epoch from two TLS streams, two ranks."
    )
    parser.add_argument("--batches", type=int, default=4, metavar="N", help="first batches to show for each rank (4)")
    parser.add_argument(
        "--samples", type=int, default=6000, metavar="N", help="samples of both streams together (6000)"
    )
    parser.add_argument("--keep-log", type=Path, metavar="FILE", help="copy the daemon's log here at the end")
    options = parser.parse_args()
    if options.samples < 64 or options.batches < 1:
        parser.error("--samples is at least 64, --batches at least 1")
    return options


def choose_stage() -> Path:
    """A directory to cover: not one that holds this tree, its toolchain or its interpreter."""
    used = [ROOT, Path(sys.executable).resolve(), Path.cwd()]
    for stage in STAGES:
        if stage.is_dir() and not any(path.is_relative_to(stage) for path in used):
            return stage
    raise SystemExit(f"error: the demo needs one of {', '.join(map(str, STAGES))} as a place to mount on")


def enter() -> list[str]:
    """The command that gives us mounts of our own and, where the machine allows it, processes of our own."""
    options = namespace_options()
    processes = ["--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
    probe = subprocess.run([*options, *processes, "true"], capture_output=True, check=False, timeout=30)
    return [*options, "--propagation", "private", *(processes if probe.returncode == 0 else [])]


def main() -> int:
    """Make the namespaces, run the inner half in them, pass its status on."""
    options = parse()
    try:
        prefix = enter()
    except PermissionError as error:
        raise SystemExit(f"error: {error}") from None
    stage = choose_stage()
    inner = [sys.executable, str(Path(__file__).with_name("inside.py"))]
    inner += [str(stage), str(options.samples), str(options.batches)]
    # The inner half reads this pipe: it ends when we do, even when nobody gives us time to say so.
    alive_read, alive_write = os.pipe()
    log_read, log_write = os.pipe()
    release = ROOT / ".build" / "release"
    programs = {"SLUICED": str(release / "sluiced"), "SLUICE": str(release / "sluice")}
    environment = {**programs, **os.environ, "SLUICE_DEMO_ALIVE": str(alive_read), "SLUICE_DEMO_LOG": str(log_write)}

    def leave(_signal: int, _frame: FrameType | None) -> None:
        os.close(alive_write)

    child = subprocess.Popen([*prefix, *inner], env=environment, pass_fds=[alive_read, log_write])
    os.close(alive_read)
    os.close(log_write)
    # Ctrl-C reaches the inner half by itself, since it shares our terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, leave)
    with os.fdopen(log_read, "rb") as log:
        kept = log.read()
    status = child.wait()
    if options.keep_log:
        options.keep_log.write_bytes(kept)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
