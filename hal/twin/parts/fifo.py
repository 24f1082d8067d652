"""The RX FIFO: 4096 bytes, popped one by one, across any number of bursts; what does not fit is lost.

Sources: FACTS §3 (4096 B at 0x4000), §8 (13-bit count at 0x58C8), §13.7.
"""

FIFO_LIMIT_BYTES = 4096


class RxFifo:
    """Holds bytes in the order of reception; a frame that does not fit whole is lost whole and counted."""

    __slots__ = ("_bytes", "lost_frames")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.lost_frames = 0

    def __len__(self) -> int:
        return len(self._bytes)

    @property
    def free_bytes(self) -> int:
        """The number of bytes that still fit, 0 to 4096."""
        return FIFO_LIMIT_BYTES - len(self._bytes)

    def push(self, frame: bytes) -> bool:
        """Append ``frame``; False when it does not fit, and then nothing is kept of it."""
        if len(frame) > FIFO_LIMIT_BYTES - len(self._bytes):
            self.lost_frames += 1
            return False
        self._bytes += frame
        return True

    def pop(self, count: int) -> bytes:
        """Take ``count`` bytes out; beyond the end the bus shows zeros."""
        taken = bytes(self._bytes[:count])
        del self._bytes[:count]
        return taken if len(taken) == count else taken.ljust(count, b"\0")

    def clear(self) -> None:
        """Forget everything, as a reset does."""
        self._bytes.clear()
