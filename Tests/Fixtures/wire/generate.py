"""Writes the golden frames of this directory: `python3 generate.py`.

An implementation of PROTOCOL.md of its own: `encoding.py` has its tables, and neither the Swift nor the Python
client's code is used. `index.json` holds the values (bytes as hexadecimal, an absent optional as null); each
`NAME.frame` holds the frame, header included. `refused` frames must be refused with the error code that is given.
"""

import json
import pathlib

from good_frames import FRAMES
from refused_frames import REFUSED

HERE = pathlib.Path(__file__).parent


def main():
    for old in HERE.glob("*.frame"):
        old.unlink()
    index = {"frames": {}, "refused": {}}
    for group, frames in (("frames", FRAMES), ("refused", REFUSED)):
        for name, (entry, data) in frames.items():
            (HERE / f"{name}.frame").write_bytes(data)
            index[group][name] = entry
    (HERE / "index.json").write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
