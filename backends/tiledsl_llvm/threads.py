"""serial for now"""

import ctypes

import numpy as np

_F = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p
)


def run(address, words, total, arena):
    mem = np.empty(arena + 64, np.uint8)
    a = mem.ctypes.data
    a += -a % 64
    _F(address)(words, 0, total, a)


def thread_count():
    return 1
