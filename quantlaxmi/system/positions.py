"""Reads and writes at a position of a file, whose own position stays."""

from __future__ import annotations

import os

__all__ = ["read_at", "write_at"]


def read_at(fd: int, n: int, at: int) -> bytes:
    """At most ``n`` bytes from a position; one thread at a time on a descriptor."""
    if hasattr(os, "pread"):
        return os.pread(fd, n, at)
    before = os.lseek(fd, 0, os.SEEK_CUR)
    os.lseek(fd, at, os.SEEK_SET)
    try:
        return os.read(fd, n)
    finally:
        os.lseek(fd, before, os.SEEK_SET)


def write_at(fd: int, data: bytes | memoryview, at: int) -> int:
    """Write at a position, and return how many bytes were; one thread at a time on a descriptor."""
    if hasattr(os, "pwrite"):
        return os.pwrite(fd, data, at)
    before = os.lseek(fd, 0, os.SEEK_CUR)
    os.lseek(fd, at, os.SEEK_SET)
    try:
        return os.write(fd, data)
    finally:
        os.lseek(fd, before, os.SEEK_SET)
