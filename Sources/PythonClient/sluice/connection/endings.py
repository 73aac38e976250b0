"""How a request ends that brings no reply: the connection is gone, or the daemon refuses."""

from __future__ import annotations

from sluice.errors import SluiceError, daemon_error
from sluice.wire.messages import ErrorReply


class ConnectionLostError(SluiceError, ConnectionError):
    """The connection ended; a new one may go on where it was."""

    @staticmethod
    def because(cause: object) -> ConnectionLostError:
        """With what ended it: an error, or a clause."""
        return ConnectionLostError(f"the connection to the daemon was lost: {cause}")


class RefusedError(SluiceError):
    """An error frame, before the session has decided whether to ask again.

    Attributes:
        reply: the frame.
    """

    def __init__(self, reply: ErrorReply) -> None:
        super().__init__(reply.message)
        self.reply = reply

    def as_daemon_error(self) -> SluiceError:
        """What the user is to see of it."""
        return daemon_error(self.reply.code, self.reply.retry, self.reply.message)
