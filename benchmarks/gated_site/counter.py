"""Switches callgrind's counting on from inside: before that a process runs under it several times as fast.

A client request is a sequence of rotations that changes nothing on the processor and that Valgrind knows (valgrind.h, "special instruction
preamble"; callgrind.h, CALLGRIND_START_INSTRUMENTATION): outside of Valgrind it does nothing. Only x86-64's is written here.
"""

import ctypes
import mmap
import platform

_CODE = bytes.fromhex(
    "4889f8"  # mov rax, rdi: where the request's words are
    "31d2"  # xor edx, edx: what it answers outside of Valgrind
    "48c1c703 48c1c70d 48c1c73d 48c1c733"  # rol rdi, 3, 13, 61, 51: all of its 128 bits round
    "4887db"  # xchg rbx, rbx
    "4889d0 c3"  # mov rax, rdx; ret
)
_TOOL, _START = 0x43540000, 4
"""Callgrind's requests begin at "CT" in the upper bytes."""


def begin_counting() -> None:
    """From here on every instruction is counted."""
    if platform.machine() != "x86_64":
        raise SystemExit(f"this is {platform.machine()}; want x86-64, or gate.instructions without starts_counting")
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(_CODE)
    words = (ctypes.c_uint64 * 6)(_TOOL + _START)
    request = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    request(ctypes.addressof(words))
