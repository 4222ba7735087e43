"""Fixtures of all benchmarks."""

from awaiting import asyncio_benchmark, loop

__all__ = ["asyncio_benchmark", "loop"]
