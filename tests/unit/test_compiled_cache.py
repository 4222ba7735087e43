"""Compiled code is named by everything that it was made of."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gelombang_capacity import jit

FOLDER = Path(jit.__file__).parent
DECORATORS = {"compiled", "compiled_entry"}


def frozen(tree: ast.Module) -> Iterator[ast.AST]:
    """What becomes numbers in machine code: compiled functions, the module's own constants, and what works those out."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found: list[ast.AST] = [node for node in functions.values() if DECORATORS & names(*node.decorator_list)]
    found += [node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None]
    while found:
        part = found.pop()
        yield part
        found += [functions.pop(name) for name in names(part) & set(functions)]


def names(*nodes: ast.AST) -> set[str]:
    return {name.id for node in nodes for name in ast.walk(node) if isinstance(name, ast.Name)}


def centre_modules(module: str) -> set[str]:
    """Modules of the centre that something frozen in this one is made of."""
    tree = ast.parse((FOLDER / f"{module}.py").read_text())
    home = {
        name.asname or name.name: node.module.partition(".")[2]
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gelombang.")
        for name in node.names
    }
    return {home[name] for name in names(*frozen(tree)) & set(home)}


@pytest.mark.parametrize("module", sorted(jit._COMPILED))
def test_what_a_compiled_module_takes_from_the_centre_is_in_the_name_of_the_cache(module: str) -> None:
    assert centre_modules(module) <= set(jit._COMPILED_OF_CENTRE)


def test_every_module_with_compiled_functions_is_in_the_name_of_the_cache() -> None:
    compiled = {path.stem for path in FOLDER.glob("*.py") if has_compiled(ast.parse(path.read_text()))}
    assert compiled <= set(jit._COMPILED)
    assert {"loop", "walk", "uploads"} <= compiled


def has_compiled(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.FunctionDef) and DECORATORS & names(*node.decorator_list) for node in tree.body)
