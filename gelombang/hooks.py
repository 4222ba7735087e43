"""Hooks: a function of the operator's own that sees each request of a step just before it is sent, for signatures and odd tokens.

    def sign(request):
        request.headers["x-signature"] = hmac.new(KEY, request.body, "sha256").hexdigest()
        request.captured["nonce"] = ...          # with hook_values = ["nonce"]

`module:function`: the module is looked for beside the scenario first, then among the installed ones. Its time is the generator's: it is
kept for each attempt, and a run doubts itself when it is long.
"""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from gelombang.errors import Fault, InputError


@dataclass(slots=True)
class HookRequest:
    """A request about to be sent. A hook may change `headers` and put values for later steps into `captured`; the rest is to be read."""

    method: str
    url: str
    headers: dict[str, str]
    """Names in lower case. Host and Content-Length are added later."""
    body: bytes
    values: Mapping[str, str]
    """What placeholders stand for: the person's fields, captures, feeds and secrets."""
    captured: dict[str, str] = field(default_factory=dict)


Hook = Callable[[HookRequest], object]


def place_hooks(steps: object, where: str, folders: Sequence[Path]) -> Iterator[Fault]:
    """Put the file of each module that stands beside the scenario into its place; a fault for each hook that isn't there."""
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        reference = step.get("hook") if isinstance(step, dict) else None
        if not isinstance(reference, str) or ":" not in reference:
            continue
        module, _, function = reference.rpartition(":")
        beside = (folder / f"{module.replace('.', '/')}.py" for folder in folders)
        file = next((path for path in beside if path.is_file()), None)
        if file is not None:
            step["hook"] = f"{file.resolve()}:{function}"
            yield from _file_faults(file, function, f"{where}[{i}].hook", reference)
        elif not Path(module).is_absolute() and not _is_installed(module):
            wanted = "module:function, with module.py beside the scenario"
            yield Fault(f"{where}[{i}].hook", f"{reference!r}, a module that is not there", wanted)


def load_hooks(references: Iterable[str | None]) -> None:
    """Import all of them now, so that nothing is missing later. Raises InputError."""
    for reference in references:
        if reference is not None:
            load_hook(reference)


def load_hook(reference: str) -> Hook:
    """The function. Raises InputError when it can't be imported."""
    module, _, name = reference.rpartition(":")
    try:
        found = getattr(_module_at(Path(module)) if module.endswith(".py") else import_module(module), name)
    except Exception as error:  # the operator's own code may raise anything
        raise InputError(f"hook {reference} can't be imported ({type(error).__name__}: {error}); want module:function") from error
    if not callable(found):
        raise InputError(f"hook {reference} is no function but {type(found).__name__}; want module:function")
    hook: Hook = found
    return hook


def _file_faults(file: Path, function: str, where: str, reference: str) -> Iterator[Fault]:
    try:
        parsed = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError) as error:
        yield Fault(where, f"{reference!r}, whose module can't be read ({error})", "a module of Python")
        return
    names = {node.name for node in parsed.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names |= {target.id for node in parsed.body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)}
    if function not in names and not any(isinstance(node, ast.ImportFrom) for node in parsed.body):
        known = ", ".join(sorted(names)) or "its functions"
        yield Fault(where, f"{reference!r}, a function that {file.name} does not have", f"one of {known}")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _module_at(path: Path) -> ModuleType:
    name = f"gelombang_hook_{path.stem}_{abs(hash(str(path))):x}"
    known = sys.modules.get(name)
    if known is not None:
        return known
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no module")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
