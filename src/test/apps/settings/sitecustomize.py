"""Settings that Python takes from no variable, for the bench of what un-shares memory (Unsharing.java)."""

import ctypes
import gc
import os

import refork

if "BENCH_GC" in os.environ:

    @refork.after_fork
    def set_threshold():
        gc.set_threshold(*map(int, os.environ["BENCH_GC"].split(",")))


if "BENCH_TRIM" in os.environ:

    @refork.after_promote
    def trim():
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)


if "BENCH_UNFREEZE" in os.environ:
    refork.after_fork(gc.unfreeze)
