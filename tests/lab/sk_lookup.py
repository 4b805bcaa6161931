"""Attaches a BPF program of type sk_lookup to the network namespace, and keeps it until it is ended.

    sk_lookup.py drop PORT             connections to PORT are refused
    sk_lookup.py redirect PORT OTHER   they go to a server that this program runs on port OTHER

The program is written in the kernel's instructions (struct bpf_insn of linux/bpf.h), so that nothing
has to be compiled. It says "ready", or why this kernel cannot do it.
"""

import ctypes
import errno
import os
import socket
import struct
import sys

MAP_CREATE, MAP_UPDATE, PROG_LOAD, LINK_CREATE = 0, 2, 5, 28
SOCKMAP, SK_LOOKUP_TYPE, SK_LOOKUP = 15, 30, 36
LOCAL_PORT = 60  # offsetof(struct bpf_sk_lookup, local_port), in host order
DROP, PASS = 0, 1
LIBC = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    number = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine)
    buffer = ctypes.create_string_buffer(attributes, 144)
    result = LIBC.syscall(number, command, buffer, len(buffer))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"bpf({command}): {os.strerror(code)}")
    return result


def instruction(code, to=0, source=0, offset=0, immediate=0):
    return struct.pack("=BBhi", code, to | source << 4, offset, immediate)


def load(body, kind=SK_LOOKUP_TYPE, point=SK_LOOKUP):
    code = b"".join(body)
    kept = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("=IIQQIIQII16sII", kind, len(code) // 8,
                             ctypes.addressof(kept), ctypes.addressof(licence), 0, 0, 0, 0, 0,
                             b"lab_lookup", 0, point)
    return bpf(PROG_LOAD, attributes)


def end(verdict):
    return [instruction(0xb7, 0, immediate=verdict), instruction(0x95)]


def drop(port):
    """r0 = local_port == port ? SK_DROP : SK_PASS"""
    return [instruction(0x61, 2, 1, LOCAL_PORT), instruction(0x55, 2, offset=2, immediate=port),
            *end(DROP), *end(PASS)]


def redirect(port, sockets):
    """bpf_sk_assign(ctx, sockets[0], 0) for this port"""
    lookup, assign, release = 1, 124, 86
    body = [instruction(0xb7, 0, immediate=0), instruction(0x63, 10, 0, -4),  # key: *(fp - 4) = 0
            instruction(0xbf, 2, 10), instruction(0x07, 2, immediate=-4),
            instruction(0x18, 1, 1, immediate=sockets), instruction(0),
            instruction(0x85, immediate=lookup), instruction(0x15, 0, offset=7),
            instruction(0xbf, 7, 0), instruction(0xbf, 1, 6), instruction(0xbf, 2, 0),
            instruction(0xb7, 3, immediate=0), instruction(0x85, immediate=assign),
            instruction(0xbf, 1, 7), instruction(0x85, immediate=release)]
    start = [instruction(0xbf, 6, 1), instruction(0x61, 2, 1, LOCAL_PORT),
             instruction(0x55, 2, offset=len(body), immediate=port)]
    return start + body + end(PASS)


def attach(program):
    """The link lives as long as its descriptor."""
    netns = os.open("/proc/self/ns/net", os.O_RDONLY)
    return bpf(LINK_CREATE, struct.pack("=IIII", program, netns, SK_LOOKUP, 0))


def serve(listener):
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"pong " + connection.recv(100))
        connection.close()


def main():
    kind, port = sys.argv[1], int(sys.argv[2])
    listener = None
    try:
        if kind == "drop":
            program = load(drop(port))
        else:
            listener = socket.create_server(("0.0.0.0", int(sys.argv[3])))
            sockets = bpf(MAP_CREATE, struct.pack("=IIIII", SOCKMAP, 4, 8, 1, 0))
            key, value = ctypes.c_uint32(0), ctypes.c_uint64(listener.fileno())
            bpf(MAP_UPDATE, struct.pack("=IxxxxQQQ", sockets, ctypes.addressof(key),
                                        ctypes.addressof(value), 0))
            program = load(redirect(port, sockets))
        link = attach(program)
    except OSError as error:
        print(error, flush=True)
        return 0 if error.errno in (errno.EPERM, errno.EINVAL, errno.ENOSYS) else 1
    print("ready", flush=True)
    if listener:
        serve(listener)
    sys.stdin.read()
    return link


if __name__ == "__main__":
    main()
