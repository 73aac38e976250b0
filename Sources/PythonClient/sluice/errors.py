"""What can go wrong, as exceptions.

Every exception of the package is a `SluiceError`. Those the daemon reports are `DaemonError`s and carry its message as
it was written. Each can be made from its message alone, so that it survives the way out of a DataLoader's worker
process.
"""

from __future__ import annotations

__all__ = [
    "BadResumeError",
    "BadSpecificationError",
    "CacheError",
    "DaemonError",
    "DaemonUnavailableError",
    "DeadlineError",
    "DecodingError",
    "FingerprintError",
    "ForkedError",
    "NoSuchSampleError",
    "NotPermittedError",
    "PastEndError",
    "PlanError",
    "ProtocolError",
    "RanksDisagreeError",
    "ShardError",
    "SluiceError",
    "TooManyError",
    "UnknownDatasetError",
    "UnsafeTypeError",
    "WorldError",
    "daemon_error",
]


class SluiceError(Exception):
    """Any failure that this package reports."""


class DaemonUnavailableError(SluiceError, ConnectionError):
    """No daemon answered on the socket for as long as the client was told to wait."""


class ProtocolError(SluiceError):
    """The daemon sent something that the protocol does not allow; one of the two sides has a defect."""


class ForkedError(SluiceError):
    """Something that belongs to one process was used in its fork."""


class DecodingError(SluiceError, ValueError):
    """A sample's bytes are not what its columns say."""


class UnsafeTypeError(SluiceError, ValueError):
    """A column is pickled, which can run code, and `allow_unsafe_types` was not given."""


class WorldError(SluiceError, ValueError):
    """Rank and world are missing, or cannot be."""


class RanksDisagreeError(SluiceError, RuntimeError):
    """The ranks of one job were given different data or different options."""


class DaemonError(SluiceError, RuntimeError):
    """The daemon refused a request.

    Attributes:
        code: number of the error in the protocol, 0 if unknown.
        retry: 0 if the same request will fail again, 1 if it may be asked again after reconnecting, 2 after a while.
    """

    code: int = 0
    retry: int = 0


class UnknownDatasetError(DaemonError, LookupError):
    """No dataset of that name is registered."""


class BadSpecificationError(DaemonError, ValueError):
    """The daemon refused an inline dataset or an option."""


class PlanError(DaemonError, ValueError):
    """These options give no plan for this world."""


class FingerprintError(DaemonError):
    """The data or the options are not those the checkpoint was made of."""


class BadResumeError(DaemonError, ValueError):
    """The checkpoint's numbers cannot be."""


class NoSuchSampleError(DaemonError, IndexError):
    """No sample has that number."""


class PastEndError(DaemonError, IndexError):
    """The batch or epoch lies past the end."""


class ShardError(DaemonError):
    """A stream's index or a shard could not be had, or is not what it should be."""


class CacheError(DaemonError):
    """The cache's limit or the disk cannot hold what a batch needs."""


class DeadlineError(DaemonError, TimeoutError):
    """The daemon waited too long for a download."""


class TooManyError(DaemonError):
    """A limit of the daemon: connections, sessions, or the size of one request."""


class NotPermittedError(DaemonError, PermissionError):
    """The user or the socket may not do that."""


_CLASSES: dict[int, type[DaemonError]] = {
    10: UnknownDatasetError,
    14: PastEndError,
    15: BadSpecificationError,
    16: PlanError,
    17: FingerprintError,
    18: BadResumeError,
    19: NoSuchSampleError,
    30: ShardError,
    31: ShardError,
    32: ShardError,
    33: CacheError,
    34: CacheError,
    35: DeadlineError,
    40: TooManyError,
    41: TooManyError,
    42: TooManyError,
    44: NotPermittedError,
}


def daemon_error(code: int, retry: int, message: str) -> DaemonError:
    """The exception for an error frame: of the code's class, with the daemon's message.

    Args:
        code: the frame's code.
        retry: the frame's advice.
        message: the daemon's own words.
    """
    error = _CLASSES.get(code, DaemonError)(message)
    error.code = code
    error.retry = retry
    return error
