"""The only place that imports numba: turns plain functions over arrays into machine code.

Compiled code is kept on disk, in a folder that is named by a digest of everything that is compiled, because numba looks only at the file of
the outermost function and would otherwise run yesterday's inner ones. Nothing here is needed to read a record of a simulated run.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import gelombang.admission
from gelombang.errors import HostError

try:
    import numba
    from llvmlite import ir
    from numba.extending import intrinsic
except ImportError:
    raise HostError("the simulator needs numba, which is not installed; want `pip install 'gelombang[capacity]'`") from None

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


_COMPILED = (
    *("draws", "endings", "events", "jit", "loop", "site", "small_steps"),
    *("station", "store", "uploads", "waiting", "walk", "world"),
)
"""The modules whose code, or whose constants, end up in machine code."""


def _cache_folder() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for name in _COMPILED:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    digest.update(Path(gelombang.admission.__file__).read_bytes())
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return str(Path(home) / "gelombang" / f"compiled-{digest.hexdigest()[:16]}")


numba.config.CACHE_DIR = _cache_folder()


def compiled(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The same function as machine code, for other compiled functions to call; it makes no arrays, and Python can't call it.

    Without wrappers for Python and without reference counts, the whole loop compiles in a fifth of the time.
    """
    made: Callable[Parameters, Result] = numba.njit(_nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy")(
        function
    )
    return made


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
