"""The small changes that tests should notice, as edits of a syntax tree.

Each edit replaces one node. Annotations, docstrings, lists of exports, code for the type checker and
protocols are left alone: they have no behaviour.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Edit:
    """One replacement in the tree that ``edits`` was given.

    ``functions`` are the first lines of the functions around it.
    """

    line: int
    before: str
    after: str
    functions: tuple[int, ...]
    put: Callable[[], None]


def edits(tree: ast.Module) -> Iterator[Edit]:
    """Every edit, always in the same order. Call ``put`` of one of them only."""
    yield from _edits_below(tree, ())


_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_WITHOUT_BEHAVIOUR: Final = frozenset({"annotation", "returns", "type_comment", "ctx"})
_FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _edits_below(node: ast.AST, functions: tuple[int, ...]) -> Iterator[Edit]:
    for field, value in ast.iter_fields(node):
        if field in _WITHOUT_BEHAVIOUR:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _is_inert(child):
                yield from _edits_of(node, field, index, child, functions)


def _edits_of(
    parent: ast.AST, field: str, index: int | None, node: ast.AST, functions: tuple[int, ...]
) -> Iterator[Edit]:
    inside = (*functions, _first_line(node)) if isinstance(node, _FUNCTION) else functions
    line = getattr(node, "lineno", 0)
    for new in _replacements(node, parent):
        ast.copy_location(new, node)
        ast.fix_missing_locations(new)

        def put(new: ast.AST = new) -> None:
            if index is None:
                setattr(parent, field, new)
            else:
                getattr(parent, field)[index] = new

        yield Edit(line, _text(node), _text(new), functions, put)
    yield from _edits_below(node, inside)


def _is_inert(node: ast.AST) -> bool:
    """What has no behaviour: docstrings and other lone constants, ``__all__``, types, protocols."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.ClassDef(bases=bases) if any(isinstance(b, ast.Name) and b.id == "Protocol" for b in bases):
            return True  # their methods have no bodies, and nobody calls them
    return False


def _first_line(node: Any) -> int:
    """As the code object has it: a decorator belongs to the function."""
    return int(min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))]))


def _changed(node: Any, **changes: object) -> Any:
    new = copy.copy(node)
    for name, value in changes.items():
        setattr(new, name, value)
    return new


def _negated(test: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)


def _replacements(node: ast.AST, parent: ast.AST) -> Iterator[ast.AST]:
    for kind, found in _BY_TYPE:
        if isinstance(node, kind):
            yield from found(node, parent)


def _compare(node: Any, _parent: ast.AST) -> Iterator[ast.AST]:
    for place, operator in enumerate(node.ops):
        for other in _COMPARISONS[type(operator)]:
            yield _changed(node, ops=[*node.ops[:place], other(), *node.ops[place + 1 :]])


def _junction(node: Any, _parent: ast.AST) -> Iterator[ast.AST]:
    yield _changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())


def _unary(node: Any, _parent: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node.op, ast.UAdd):
        yield copy.copy(node.operand)


def _condition(node: Any, _parent: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node.test, ast.Compare | ast.UnaryOp):  # those have edits of their own that do it
        yield _changed(node, test=_negated(node.test))


def _filter(node: Any, _parent: ast.AST) -> Iterator[ast.AST]:
    for place, test in enumerate(node.ifs):
        if not isinstance(test, ast.Compare | ast.UnaryOp):
            yield _changed(node, ifs=[*node.ifs[:place], _negated(test), *node.ifs[place + 1 :]])


def _arithmetic(node: Any, _parent: ast.AST) -> Iterator[ast.AST]:
    if type(node.op) in _ARITHMETIC:
        yield _changed(node, op=_ARITHMETIC[type(node.op)]())


def _constant(node: Any, parent: ast.AST) -> Iterator[ast.AST]:
    match node.value:
        case bool(value):
            yield ast.Constant(not value)
        case int() | float() as number:
            yield ast.Constant(number + 1)
        case str(text):
            yield ast.Constant(f"{text}XX")
            if text and not isinstance(parent, ast.JoinedStr):
                yield ast.Constant("")
        case bytes(data):
            yield ast.Constant(data + b"XX")


def _return(node: Any, _parent: ast.AST) -> Iterator[ast.AST]:
    if node.value and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield ast.Return(ast.Constant(None))


def _statement(_node: Any, _parent: ast.AST) -> Iterator[ast.AST]:
    yield ast.Pass()


def _assignment(node: Any, _parent: ast.AST) -> Iterator[ast.AST]:
    """Only of attributes and items: without its first value a name is an error at once."""
    if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
        yield ast.Pass()


def _leap(node: Any, _parent: ast.AST) -> Iterator[ast.AST]:
    yield ast.Break() if isinstance(node, ast.Continue) else ast.Continue()


_BY_TYPE: Final[tuple[tuple[Any, Callable[[Any, ast.AST], Iterator[ast.AST]]], ...]] = (
    (ast.Compare, _compare),
    (ast.BoolOp, _junction),
    (ast.UnaryOp, _unary),
    (ast.If | ast.While | ast.IfExp, _condition),
    (ast.comprehension, _filter),
    (ast.BinOp | ast.AugAssign, _arithmetic),
    (ast.Constant, _constant),
    (ast.Return, _return),
    (ast.Expr | ast.Raise | ast.AugAssign | ast.Delete, _statement),
    (ast.Assign, _assignment),
    (ast.Continue | ast.Break, _leap),
)


def _text(node: ast.AST) -> str:
    match node:
        case ast.If() | ast.While():
            node = node.test
        case ast.comprehension():
            return " ".join(f"if {ast.unparse(test)}" for test in node.ifs)
    return " ".join(ast.unparse(node).split())
