"""``python -m agent.keys``: a question on standard input, its answer on standard output (MessagePack)."""

import sys

import msgspec

from agent.keys import answered


def main() -> int:
    """Answer one question."""
    question, *arguments = msgspec.msgpack.decode(sys.stdin.buffer.read())
    sys.stdout.buffer.write(msgspec.msgpack.encode(answered(question, tuple(arguments))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
