"""rewriting.py TEXT TEXT: loads two rulesets of nft in turn, as fast as it can, until it is killed."""

import ctypes
import os
import sys

library = ctypes.CDLL("libnftables.so.1")
library.nft_ctx_new.restype = ctypes.c_void_p
context = ctypes.c_void_p(library.nft_ctx_new(0))
print("ready", flush=True)
while True:
    for text in sys.argv[1:]:
        if library.nft_run_cmd_from_buffer(context, text.encode()) != 0:
            os._exit(1)
