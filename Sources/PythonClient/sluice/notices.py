"""Warnings to the user: at the user's own line, however deep inside the package the reason was found, and once."""

from __future__ import annotations

import sys
import warnings
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path

_PACKAGE = str(Path(__file__).parent)


def warn_user(message: str) -> None:
    """Warns at the first line on the stack that is not the package's.

    Args:
        message: what is so, and what would be right.
    """
    level = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    warnings.warn(message, UserWarning, stacklevel=level + 1)


class SaidOnce:
    """Remembers what was said of late, so that it is said once.

    No lock: a process that forks while another thread held it would wait for ever. Two threads at the same moment may
    say the same thing twice.

    Args:
        kept: how much is remembered; what has not come up for longest is forgotten first.
    """

    def __init__(self, kept: int = 256) -> None:
        self._kept = kept
        self._said: OrderedDict[Hashable, None] = OrderedDict()

    def is_news(self, what: Hashable) -> bool:
        """Whether this has not been said; from here on it counts as said."""
        is_news = what not in self._said
        self._said.pop(what, None)
        self._said[what] = None
        while len(self._said) > self._kept:
            self._said.popitem(last=False)
        return is_news
