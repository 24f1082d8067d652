"""What a write transaction must not wait for, found in the source: hashing, planning, measuring, sleeping.

Everybody else who writes waits meanwhile.  Calls are followed by name from each ``with ….write()`` and
``with ….committing()`` through the functions of the fleet.
"""

import ast
from collections.abc import Iterator, Mapping

SLOW = {
    "fleet.identity.passwords.hash_of": "hash before",
    "fleet.identity.passwords.matches": "compare before",
    "fleet.rollouts.absences.load_view": "ask the oracle before, check within (fleet.rollouts.weighing)",
    "fleet.rollouts.measurements.measure": "measure before (fleet.rollouts.weighing)",
    "fleet.rollouts.plan.plan_rollout": "plan before, check within (fleet.rollouts.start)",
    "fleet.safety.oracle.most_with": "ask before, check within (fleet.rollouts.weighing)",
    "time.sleep": "wait before",
}
"""Function → what to do instead."""
OPENS = ("write", "_committing")


def slow_within_transactions(trees: Mapping[str, ast.Module]) -> Iterator[str]:
    """Yield ``module:line: way to the slow function: what to do instead``."""
    names = {module: dict(_bound(module, tree)) for module, tree in trees.items()}
    calls = {
        f"{module}.{node.name}": list(_called(node, names[module]))
        for module, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
    for module, tree in trees.items():
        for opened in _transactions(tree):
            for way in _ways(_called(opened, names[module]), calls):
                yield f"{module}:{opened.lineno}: {' → '.join(way)}: {SLOW[way[-1]]}"


def _bound(module: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what each name of a module stands for."""
    yield from ((one.name, f"{module}.{one.name}") for one in tree.body if isinstance(one, ast.FunctionDef))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            yield from ((one.asname or one.name, f"{node.module}.{one.name}") for one in node.names)
        elif isinstance(node, ast.Import):
            yield from ((one.asname or one.name, one.name) for one in node.names)


def _transactions(tree: ast.Module) -> Iterator[ast.With]:
    for node in ast.walk(tree):
        if isinstance(node, ast.With):
            calls = [one.context_expr for one in node.items if isinstance(one.context_expr, ast.Call)]
            if any(isinstance(one.func, ast.Attribute) and one.func.attr in OPENS for one in calls):
                yield node


def _ways(first: Iterator[str], calls: Mapping[str, list[str]]) -> Iterator[tuple[str, ...]]:
    """Yield one way to each slow function that is reached."""
    queue = [(name,) for name in first]
    seen: set[str] = set()
    for way in queue:
        name = way[-1]
        if name in seen:
            continue
        seen.add(name)
        if name in SLOW:
            yield way
        else:
            queue += [(*way, one) for one in calls.get(name, ())]


def _called(inside: ast.AST, names: Mapping[str, str]) -> Iterator[str]:
    for node in ast.walk(inside):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield names[node.func.id]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in names:
                yield f"{names[owner.id]}.{node.func.attr}"
