"""The only place that imports numba: turns plain functions over arrays into machine code.

Compiled code is kept on disk, in a folder that is named by a digest of everything that is compiled, because numba looks only at the file of
the outermost function and would otherwise run yesterday's inner ones. Nothing here is needed to read a record of a simulated run.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import gelombang
from gelombang.errors import HostError

try:
    import numba
    from llvmlite import ir
    from numba.core import cgutils
    from numba.core.typing.templates import AttributeTemplate
    from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model
except ImportError:
    raise HostError("the simulator needs numba, which is not installed; want `pip install 'gelombang[capacity]'`") from None

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


_COMPILED = (
    *("costs", "draws", "endings", "events", "jit", "loop", "site", "small_steps"),
    *("station", "store", "uploads", "waiting", "walk", "world"),
)
"""The modules whose code, or whose constants, end up in machine code."""
_COMPILED_OF_CENTRE = ("admission", "attempt", "clock", "histogram", "journey", "patience", "seeds")
"""Those of the centre, for the same reason."""


def _cache_folder() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for folder, names in ((Path(__file__), _COMPILED), (Path(gelombang.__file__), _COMPILED_OF_CENTRE)):
        for name in names:
            digest.update(folder.with_name(f"{name}.py").read_bytes())
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return str(Path(home) / "gelombang" / f"compiled-{digest.hexdigest()[:16]}")


numba.config.CACHE_DIR = _cache_folder()


def compiled(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The same function as machine code, for other compiled functions to call; it makes no arrays, and Python can't call it.

    Without wrappers for Python and without reference counts, the whole loop compiles in a fifth of the time.
    """
    made = numba.njit(_nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy")(function)
    template = made.get_call_template
    # Numba would make another copy for each constant that is handed over: twenty of some functions.
    made.get_call_template = lambda arguments, keywords: template(tuple(map(numba.types.unliteral, arguments)), keywords)
    inner: Callable[Parameters, Result] = made
    return inner


class _Held(numba.types.Type):  # type: ignore[misc]
    """The type of a pointer to a named tuple of arrays, with the tuple's own attributes.

    Numba hands a tuple over as its parts, seven numbers for each array: a call with the whole world copies two kilobytes, which was a third
    of the time of a run.
    """

    def __init__(self, held: Any) -> None:
        self.held = held
        super().__init__(name=f"Held_{hashlib.sha256(str(held).encode()).hexdigest()[:16]}")


@register_model(_Held)
class _HeldModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, held: _Held) -> None:
        super().__init__(manager, held, manager.lookup(held.held).get_value_type().as_pointer())


@infer_getattr
class _HeldAttributes(AttributeTemplate):  # type: ignore[misc]
    key = _Held

    def generic_resolve(self, held: _Held, name: str) -> Any:
        return held.held[held.held.fields.index(name)]


@lower_getattr_generic(_Held)  # type: ignore[untyped-decorator]
def _attribute(context: Any, builder: Any, held: _Held, pointer: Any, name: str) -> Any:
    return builder.load(cgutils.gep_inbounds(builder, pointer, 0, held.held.fields.index(name)))


def _pointer_to(typing: object, held: Any) -> tuple[object, Callable[..., object]]:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return cgutils.alloca_once_value(builder, arguments[0])

    return _Held(held)(held), code


held: Callable[[Any], Any] = intrinsic(_pointer_to)
"""The same tuple, handed on as one pointer to the stack of the compiled entry that calls this, which outlives everybody it calls."""


@intrinsic  # type: ignore[untyped-decorator]
def _prefetch_line(typing: object, address: object) -> tuple[object, Callable[..., object]]:
    """The processor's own instruction: begin to fetch the cache line at an address, and don't wait for it."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, number, number, number]))
        flags = [ir.Constant(number, value) for value in (1, 3, 1)]
        builder.call(function, [builder.inttoptr(arguments[0], byte), *flags])
        return context.get_dummy_value()

    return numba.types.void(numba.types.intp), code


@compiled
def prefetch(address: int) -> None:
    """Ask for the cache line at an address before it is needed. Does nothing that a program could see."""
    _prefetch_line(address)


def compiled_entry(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Machine code that Python calls, kept on disk."""
    made: Callable[Parameters, Result] = numba.njit(cache=True, error_model="numpy")(function)
    return made
