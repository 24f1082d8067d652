"""House rules as functions: each reads one parsed file and yields what breaks the rule, as ``line: what``."""

import ast
from collections.abc import Iterator

SIGNAL_HANDLERS = frozenset({"signal", "siginterrupt"})


def signal_handlers(tree: ast.Module) -> Iterator[str]:
    """Yield handlers that Python runs between two bytecodes, where a lock may be held."""
    why = "a handler may not take a lock: hal.linux.stop_signal, or add_signal_handler of the asyncio loop"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "signal":
            if any(alias.name in SIGNAL_HANDLERS for alias in node.names):
                yield f"{node.lineno}: from signal import signal: {why}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            target = node.func.value
            if isinstance(target, ast.Name) and target.id == "signal" and node.func.attr in SIGNAL_HANDLERS:
                yield f"{node.lineno}: signal.{node.func.attr}: {why}"
