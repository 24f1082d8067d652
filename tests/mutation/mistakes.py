"""The mistakes that are planted: each a small change of one node of a module's syntax tree.

another operator of its kind   < for <=, == for !=, and for or, + for -, min for max, any for all
something left out             a condition, a not, a term of a sum, a statement, a guard, a field
a figure that is off           n - 1, n + 1, n * 2, first for last, True for False
the name beside it             start for end, now for since, two arguments in each other's order
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}
PAIRS = (
    ("start", "end"),
    ("first", "last"),
    ("since", "until"),
    ("began", "ended"),
    ("begin", "end"),
    ("before", "after"),
    ("opened", "closed"),
    ("now", "since"),
)
INSTANTS = ("_at", "_at_us", "since", "since_us", "start_us", "end_us", "until_us")
BESIDE = {name: other for pair in PAIRS for name, other in (pair, pair[::-1])}


@dataclass(frozen=True)
class Mistake:
    """One node of a tree, and what stands in its stead."""

    parent: ast.AST
    field: str
    index: int | None
    kind: str
    was: ast.AST
    becomes: ast.AST

    @property
    def line(self) -> int:
        """The first line of what changes."""
        return int(getattr(self.was, "lineno", 0))

    def plant(self) -> None:
        """Change the tree."""
        ast.fix_missing_locations(ast.copy_location(self.becomes, self.was))
        if self.index is None:
            setattr(self.parent, self.field, self.becomes)
        else:
            getattr(self.parent, self.field)[self.index] = self.becomes

    def __str__(self) -> str:
        was, becomes = (" ".join(ast.unparse(node).split())[:150] for node in (self.was, self.becomes))
        return f"{self.kind}: {was}  ->  {becomes}"


def mistakes(tree: ast.Module) -> Iterator[Mistake]:
    """Yield every mistake that can be planted into a module; the tree stays as it is."""
    yield from _below(tree, frozenset())


def _below(parent: ast.AST, names: frozenset[str]) -> Iterator[Mistake]:
    if isinstance(parent, ast.FunctionDef):
        names = frozenset(arg.arg for arg in ast.walk(parent.args) if isinstance(arg, ast.arg))
    for field, value in ast.iter_fields(parent):
        if _says_nothing(parent, field):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(node, ast.AST):
                for kind, becomes in _changed(node, names):
                    yield Mistake(parent, field, index, kind, node, becomes)
                yield from _below(node, names)


def _changed(node: ast.AST, names: frozenset[str]) -> Iterator[tuple[str, ast.AST]]:
    yield from _statements(node)
    yield from _operators(node)
    yield from _values(node)
    yield from _names(node, names)
    if isinstance(node, ast.Call):
        yield from _calls(node)


def _says_nothing(parent: ast.AST, field: str) -> bool:
    """Annotations, decorators, patterns and the words of an error decide nothing."""
    typing = isinstance(parent, ast.If) and ast.unparse(parent.test) == "TYPE_CHECKING"
    words = isinstance(parent, ast.Raise | ast.JoinedStr) or (
        isinstance(parent, ast.Assert) and field == "msg"
    )
    return typing or words or field in {"annotation", "returns", "decorator_list", "bases", "cls"}


def _statements(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()) | ast.AugAssign():
            yield "statement left out", ast.Pass()
        case ast.Continue() | ast.Break():
            yield "statement left out", ast.Pass()
        case ast.If(test=test, body=body, orelse=orelse):
            yield "guard left out", ast.If(ast.Constant(value=False), body, orelse)
            yield "guard always", ast.If(ast.Constant(value=True), body, orelse)
            if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
                yield "not left out", ast.If(test.operand, body, orelse)
        case _:
            pass


def _operators(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Compare(left=left, ops=ops, comparators=right):
            for index, op in enumerate(ops):
                changed = [*ops[:index], COMPARISONS[type(op)](), *ops[index + 1 :]]
                yield "comparison", ast.Compare(left, changed, right)
        case ast.BoolOp(op=op, values=values):
            yield "and for or", ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for index in range(len(values)):
                rest = [*values[:index], *values[index + 1 :]]
                yield "condition left out", rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "not left out", operand
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            yield "operator", ast.BinOp(left, OPERATORS[type(op)](), right)
            if isinstance(op, ast.Add | ast.Sub | ast.BitOr):
                yield "term left out", left
                yield "term left out", right
        case ast.comprehension(target=target, iter=iterated, ifs=ifs, is_async=is_async):
            for index in range(len(ifs)):
                rest = [*ifs[:index], *ifs[index + 1 :]]
                yield "condition left out", ast.comprehension(target, iterated, rest, is_async)
        case _:
            pass


def _values(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield "branches swapped", ast.IfExp(test, orelse, body)
        case ast.Constant(value=bool() as value):
            yield "constant", ast.Constant(value=not value)
        case ast.Constant(value=int() | float() as value):
            yield from (("constant", ast.Constant(value=other)) for other in _near(value))
        case ast.Subscript(value=value, slice=index, ctx=ctx) if ast.unparse(index) in {"0", "-1"}:
            other = -1 if ast.unparse(index) == "0" else 0
            yield "first for last", ast.Subscript(value, ast.Constant(value=other), ctx)
        case _:
            pass


def _near(value: float) -> Iterator[float]:
    yield from {
        value + 1,
        value * 2 if abs(value) > 1 else value - 1,
        value // 2 if value > 100 else value + 2,
    }


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    called, args, keywords = ast.unparse(node.func), node.args, node.keywords
    if called in FUNCTIONS:
        yield "function", ast.Call(ast.Name(FUNCTIONS[called], ast.Load()), args, keywords)
        if len(args) == 2:
            yield from (("limit left out", arg) for arg in args)
    if called == "sorted":
        yield "order left out", ast.Call(ast.Name("list", ast.Load()), args[:1], [])
    for index in range(len(args) - 1):
        if not _alike(args[index], args[index + 1]):
            continue
        swapped = [*args[:index], args[index + 1], args[index], *args[index + 2 :]]
        yield "arguments swapped", ast.Call(node.func, swapped, keywords)
    if called.rpartition(".")[2] in {"replace", "_replace", "sorted", "min", "max"}:
        for index in range(len(keywords)):
            rest = [*keywords[:index], *keywords[index + 1 :]]
            yield "field left out", ast.Call(node.func, args, rest)


def _alike(left: ast.expr, right: ast.expr) -> bool:
    """Return whether two arguments may stand in each other's stead unseen: of one unit, or both figures."""
    units = [getattr(node, "attr", getattr(node, "id", "")).rpartition("_")[2] for node in (left, right)]
    fields = isinstance(left, ast.Attribute) and isinstance(right, ast.Attribute)
    figures = isinstance(left, ast.Constant) and isinstance(right, ast.Constant)
    return fields or figures or (units[0] == units[1] != "")


def _names(node: ast.AST, parameters: frozenset[str]) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        head, _, unit = node.attr.partition("_")
        if head in BESIDE:
            other = BESIDE[head] + (f"_{unit}" if unit else "")
            yield "the name beside it", ast.Attribute(node.value, other, node.ctx)
    now = next((name for name in sorted(parameters) if name.startswith("now")), None)
    named = str(getattr(node, "attr", getattr(node, "id", "")))
    if now and now != named and isinstance(getattr(node, "ctx", None), ast.Load) and named.endswith(INSTANTS):
        yield "now instead", ast.Name(now, ast.Load())
