"""What was said is not said again while it is remembered, and the memory is bounded."""

from __future__ import annotations

from sluice.notices import SaidOnce


def test_once() -> None:
    said = SaidOnce()
    assert [said.is_news(what) for what in ("a", "b", "a", "b", ("a", 1), ("a", 1))] == [
        True,
        True,
        False,
        False,
        True,
        False,
    ]


def test_what_has_not_come_up_for_longest_is_forgotten() -> None:
    said = SaidOnce(kept=3)
    for what in "abcad":
        said.is_news(what)
    assert not said.is_news("a"), "it came up since"
    assert said.is_news("b")
