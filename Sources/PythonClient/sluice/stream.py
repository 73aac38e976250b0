"""One source of a dataset, with the reference's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Stream:
    """A data source made of shards, and how much of it an epoch draws.

    Args:
        remote: URL of the directory that holds index.json; the daemon's configuration must permit it.
        local: the reference's cache directory. The daemon keeps its own cache and warns that this is not used.
        split: path below `remote` that belongs to the stream.
        proportion: share of the epoch, relative to the other streams' (then all of them must have one).
        repeat: samples drawn, as a multiple of the stream's size.
        choose: samples drawn.
        download_retry: attempts for one file in all. At most one of `proportion`, `repeat` and `choose` may be given.
        download_timeout: seconds without a byte after which an attempt fails.
        validate_hash: digest algorithm that every shard must have in its index and match.
        keep_zip: keep compressed files beside what they decompress to.
        name: of a stream that the operator registered, in place of `remote`.
        kind: how the daemon reaches the stream, if the URL does not say (the reference's `stream_name`).
        config: the kind's own keys (the reference's `stream_config`).

    After a dataset was made of it, `proportion`, `repeat` and `choose` all tell what an epoch draws.

    Raises:
        ValueError: the arguments exclude each other, or one cannot be.
    """

    def __init__(
        self,
        *,
        remote: str | None = None,
        local: str | None = None,
        split: str | None = None,
        proportion: float | None = None,
        repeat: float | None = None,
        choose: int | None = None,
        download_retry: int | None = None,
        download_timeout: float | None = None,
        validate_hash: str | None = None,
        keep_zip: bool | None = None,
        name: str | None = None,
        kind: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        weights = {"proportion": proportion, "repeat": repeat, "choose": choose}
        self._weight = {key: value for key, value in weights.items() if value is not None}
        if len(self._weight) > 1:
            raise ValueError(f"at most one of proportion, repeat and choose may be given, not {self._weight}")
        for key, value in self._weight.items():
            if value < 0:
                raise ValueError(f"{key} must not be negative: {value}")
        if download_retry is not None and download_retry < 0:
            raise ValueError(f"download_retry must not be negative: {download_retry}")
        if download_timeout is not None and download_timeout <= 0:
            raise ValueError(f"download_timeout must be more than 0 seconds: {download_timeout}")
        if name is not None and (remote is not None or local is not None):
            raise ValueError("a stream has either the name of a registered one, or remote and local")
        self.name = name
        self.remote = remote
        self.given_local = local
        self.split = split or ""
        self.proportion = proportion
        self.repeat = repeat
        self.choose = choose
        self.download_retry = download_retry
        self.download_timeout = download_timeout
        self.validate_hash = validate_hash
        self.keep_zip = keep_zip
        self.kind = kind
        self.config = dict(config) if config else None

    @property
    def local(self) -> str | None:
        """As given; the daemon's cache is elsewhere."""
        return self.given_local

    def specification(self, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """The stream's entry in an inline dataset.

        Args:
            defaults: the dataset's own values for what the stream does not say.
        """
        entry: dict[str, Any] = dict(self._weight)
        if self.name is not None:
            entry["stream"] = self.name
            return entry
        entry.update(
            (key, value)
            for key, value in (("remote", self.remote), ("kind", self.kind), ("with", self.config))
            if value is not None
        )
        for key in defaults:
            own = getattr(self, key)
            value = own if own not in (None, "") else defaults[key]
            if value not in (None, ""):
                entry[key] = value
        return entry

    def apply(self, samples: int, drawn: int, total: int) -> None:
        """Takes in what the dataset made of the weight.

        Args:
            samples: of the stream.
            drawn: of it in an epoch.
            total: samples of an epoch.
        """
        self.choose = drawn
        self.repeat = drawn / samples if samples else 0.0
        if "proportion" not in self._weight:
            self.proportion = drawn / total if total else 0.0

    def __repr__(self) -> str:
        source = self.name if self.name is not None else self.remote or self.given_local
        return f"Stream({source!r}, {', '.join(f'{key}={value}' for key, value in self._weight.items()) or 'whole'})"
