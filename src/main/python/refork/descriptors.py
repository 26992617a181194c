"""What the open descriptors of this process are, and which of them forks may share."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
from collections.abc import Iterable
from typing import NamedTuple


class Descriptor(NamedTuple):
    """One open descriptor. `identity` is equal for duplicates and unequal for everything else."""

    number: int
    mode: int
    identity: tuple[object, ...]


def open_descriptors() -> list[Descriptor]:
    """All of this process's descriptors but the one that lists them."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        try:
            status = os.fstat(number)
        except OSError:
            continue  # the listing's own
        identity: tuple[object, ...] = (status.st_dev, status.st_ino)
        if stat.S_IFMT(status.st_mode) == 0:
            identity += (number,)  # epoll, eventfd and their like share one inode
        found.append(Descriptor(number, status.st_mode, identity))
    return found


def shared_connections(known: Iterable[int]) -> list[str]:
    """Connected sockets that this boot mold would share with all its forks, in words; `known` are ours."""
    ours = set(known)
    found = []
    for descriptor in open_descriptors():
        if descriptor.number not in ours and stat.S_ISSOCK(descriptor.mode):
            peer = _peer(descriptor.number)
            if peer:
                found.append(f"descriptor {descriptor.number} is connected to {peer}")
    return found


def unaccounted(known: Iterable[int], inherited: frozenset[tuple[object, ...]]) -> list[str]:
    """Descriptors that a mold forked from this worker must not hand on, in words.

    Accounted for are `known` ones, those that the boot mold had (`inherited`), datagram sockets, and files that are read
    or appended to. A connection, a pipe or a file that is written in place would be used by all later workers at once.
    """
    ours = {0, 1, 2, *known}
    return [
        what
        for descriptor in open_descriptors()
        if descriptor.number not in ours and descriptor.identity not in inherited
        for what in [_danger(descriptor)]
        if what
    ]


def _danger(descriptor: Descriptor) -> str | None:
    number, mode = descriptor.number, descriptor.mode
    if stat.S_ISSOCK(mode):
        return _socket_danger(number)
    try:
        name = os.readlink(f"/proc/self/fd/{number}")
        flags = fcntl.fcntl(number, fcntl.F_GETFL)
    except OSError:
        return None  # just closed
    if stat.S_ISDIR(mode) or stat.S_ISCHR(mode):
        return None
    if stat.S_ISREG(mode) and (flags & os.O_ACCMODE == os.O_RDONLY or flags & os.O_APPEND):
        return None
    return f"descriptor {number} is {name}"


def _socket_danger(number: int) -> str | None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as sock:
        if sock.type == socket.SOCK_DGRAM:
            return None
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return f"descriptor {number} is a listening socket at {_address(sock.getsockname())}"
    peer = _peer(number)
    return f"descriptor {number} is a socket" + (f" connected to {peer}" if peer else "")


def _peer(number: int) -> str | None:
    """The peer of a connected stream socket, None when there is none or it has no name (a pair)."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as sock:
        if sock.type != socket.SOCK_DGRAM:
            return _address(sock.getpeername()) or None
    return None


def _address(address: object) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        host = f"[{address[0]}]" if ":" in str(address[0]) else address[0]
        return f"{host}:{address[1]}"
    if isinstance(address, bytes):
        return "@" + address.lstrip(b"\0").decode(errors="replace") if address else ""
    return f"unix:{address}" if address else ""
