"""The reference's arguments, turned into what the daemon is asked for."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from sluice.errors import SluiceError
from sluice.notices import warn_user
from sluice.stream import Stream
from sluice.wire.messages import OpenRequest
from sluice.world import World


class Unset(Enum):
    """Tells an argument that was not given from one that was given its default."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET

_SUFFIXES = {"k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
DEFAULTS = ("split", "download_retry", "download_timeout", "validate_hash", "keep_zip")
"""Arguments that say what streams do that do not say themselves."""

OPTIONS = (
    "epoch_size", "predownload", "sampling_method", "sampling_granularity", "partition_algo", "num_canonical_nodes",
    "batch_size", "shuffle", "shuffle_algo", "shuffle_seed", "shuffle_block_size", "batching_method", "replication",
)  # fmt: skip
"""Arguments that are options of a dataset in the daemon's configuration, under the same names."""

_WHOLE = ("batch_size", "shuffle_seed", "shuffle_block_size", "sampling_granularity", "num_canonical_nodes",
          "replication", "predownload")  # fmt: skip


def parse_epoch_size(value: float | str | None) -> int | None:
    """Samples of an epoch.

    Args:
        value: a number (its fraction is dropped), or text with a suffix for thousands, millions, … (`"1.5k"`, `"2M"`);
            None and 0 mean that the streams decide.

    Raises:
        ValueError: it is negative or no number.
    """
    if value is None:
        return None
    size: int
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(?:(\d+(?:\.\d*)?|\.\d+)\s*([kmbt])|(-?\d+))\s*", value.lower())
        if match is None:
            raise ValueError(f"epoch_size must be a number of samples such as 1000, '100k' or '1.5m', not {value!r}")
        size = int(match[3]) if match[3] else int(float(match[1]) * _SUFFIXES[match[2]])
    else:
        size = int(value)
    if size < 0:
        raise ValueError(f"epoch_size cannot be negative: {value!r}")
    return size or None


def dataset_options(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, under the names and in the forms of the daemon's configuration.

    Args:
        arguments: the reference's arguments; `UNSET` ones are left out, and None ones, which mean the default.

    Raises:
        ValueError: one of them cannot be.
        TypeError: one of them is of a wrong type.
    """
    options: dict[str, Any] = {}
    for name, value in arguments.items():
        if value is UNSET or value is None:
            continue
        if name == "epoch_size":
            value = parse_epoch_size(value)
            if value is None:
                continue
        elif name in _WHOLE:
            if isinstance(value, bool):
                raise TypeError(f"{name} must be a whole number, not {value}")
            value = operator.index(value)
        elif name == "shuffle":
            value = bool(value)
        options[name] = value
    _check(options)
    return options


def _check(options: Mapping[str, Any]) -> None:
    choices = {
        "sampling_method": ("balanced", "fixed"),
        "batching_method": ("random", "stratified", "per_stream", "device_per_stream"),
    }
    for name, allowed in choices.items():
        if name in options and options[name] not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {options[name]!r}")
    for name, least in (("sampling_granularity", 1), ("shuffle_seed", 0), ("replication", 1), ("batch_size", 1)):
        if name in options and options[name] < least:
            raise ValueError(f"{name} must be at least {least}, not {options[name]}")


@dataclass(frozen=True, slots=True)
class Source:
    """What a `StreamingDataset` was asked to iterate.

    Attributes:
        dataset: name of a registered dataset; None for an inline one.
        streams: the user's.
        options: of the dataset, under the names of the daemon's configuration.
        defaults: for streams that do not say.
    """

    dataset: str | None
    streams: list[Stream]
    options: dict[str, Any]
    defaults: dict[str, Any]

    @property
    def has_batch_size(self) -> bool:
        """Whether batches have a size: a registered dataset's always do."""
        return self.dataset is not None or "batch_size" in self.options

    def request(self, world: World) -> OpenRequest:
        """The request that opens it for a rank."""
        request = OpenRequest(
            self.dataset or "", nodes=world.nodes, ranks_per_node=world.ranks_per_node, rank=world.rank
        )
        if self.dataset is not None:
            return replace(request, overrides=json.dumps(self.options) if self.options else "")
        document = {"streams": inline_streams(self.streams, self.defaults), **self.options}
        return replace(request, dataset=json.dumps(document), inline=True)


def describe(arguments: Mapping[str, Any]) -> Source:
    """Makes sense of the arguments of a `StreamingDataset`.

    Args:
        arguments: all of them, by name.

    Raises:
        ValueError: they exclude each other, or one cannot be.
        TypeError: one of them is of a wrong type.
    """
    dataset, streams = arguments["dataset"], list(arguments["streams"] or [])
    remote, local = arguments["remote"], arguments["local"]
    kind, config = arguments["stream_name"], arguments["stream_config"]
    # Some kinds have no address: their name and configuration say it all.
    alone = remote or local or (None if dataset or streams or kind == "stream" else kind)
    given = {"a registered dataset's name": dataset, "streams": streams, "remote, local or stream_name": alone}
    sources = [name for name, value in given.items() if value]
    if len(sources) != 1:
        raise ValueError(
            f"a dataset is given by one of {', '.join(given)}; here: {' and '.join(sources) or 'none of them'}"
        )
    if arguments["cache_limit"]:
        warn_user(
            f"cache_limit={arguments['cache_limit']!r} is not used: the daemon keeps one cache for the whole machine "
            "(cache.limit in its configuration)",
        )
    defaults = {name: arguments[name] for name in DEFAULTS}
    if dataset is not None:
        _refuse_stream_arguments({**defaults, "stream_name": kind, "stream_config": config})
    elif not streams:
        streams = [Stream(remote=remote, local=local, kind=None if kind == "stream" else kind, config=config)]
    return Source(dataset, streams, dataset_options({name: arguments[name] for name in OPTIONS}), defaults)


def _refuse_stream_arguments(arguments: Mapping[str, Any]) -> None:
    given = [name for name, value in arguments.items() if value is not None]
    if given:
        raise ValueError(
            f"{', '.join(given)} belong to streams, and a registered dataset's streams are the operator's; "
            "set them in the daemon's configuration"
        )


def inline_streams(streams: Sequence[Stream], defaults: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The `streams` of an inline dataset.

    Args:
        streams: the user's.
        defaults: the dataset's own `split`, `download_retry`, `download_timeout`, `validate_hash` and `keep_zip`, for
            streams that do not say.

    Raises:
        ValueError: a stream has no source.
        SluiceError: a stream is a directory of this machine, which only the operator may register.
    """
    specification = []
    for position, stream in enumerate(streams):
        entry = stream.specification(defaults)
        if "stream" not in entry and "remote" not in entry and "kind" not in entry:
            if stream.given_local is None:
                raise ValueError(f"stream {position} has neither remote nor local, nor a registered stream's name")
            raise SluiceError(
                f"stream {position} is the directory {stream.given_local!r} of this machine, and no client may name a "
                "path. Register it in the daemon's configuration (streams: {NAME: {local: …}}) and use "
                "sluice.Stream(name=NAME), or open a registered dataset: StreamingDataset(NAME)"
            )
        if stream.given_local is not None:
            warn_user(
                f"local={stream.given_local!r} is not used: the daemon keeps one cache for the whole machine "
                "(cache.directory in its configuration)",
            )
        specification.append(entry)
    return specification
