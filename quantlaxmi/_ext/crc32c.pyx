"""CRC-32C over any contiguous buffer, without the GIL.

References
----------
RFC 3720, appendix B.4 (test vectors); Kounavis and Berry, "Novel table lookup-based algorithms
for high-performance CRC generation", 2008 (slicing by eight); Gopal et al., "Fast CRC computation
for iSCSI polynomial using CRC32 instruction", Intel, 2011 (three parts at a time).
"""
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer, Py_buffer
from libc.stdint cimport uint32_t


cdef extern from "crc32c.h" nogil:
    void ql_crc32c_init()
    int ql_crc32c_has_hardware()
    uint32_t ql_crc32c_portable(uint32_t crc, const unsigned char* p, size_t n)
    uint32_t ql_crc32c_hardware(uint32_t crc, const unsigned char* p, size_t n)


ql_crc32c_init()
cdef bint _hardware = ql_crc32c_has_hardware()


def crc32c(object data, uint32_t value=0, *, bint portable=False):
    """CRC-32C of ``data``, continuing from ``value``.

    Parameters
    ----------
    data : bytes-like or C-contiguous ndarray
        The bytes to add.
    value : int
        Result over the bytes before these; 0 at the start.
    portable : bool
        Use the table even where the machine has an instruction; the number is the same.

    Returns
    -------
    int
        ``0 <= crc < 2**32``.

    Raises
    ------
    BufferError, ValueError
        Where ``data`` is not contiguous.
    """
    cdef Py_buffer view
    cdef uint32_t crc = value
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        with nogil:
            if _hardware and not portable:
                crc = ql_crc32c_hardware(crc, <const unsigned char*> view.buf, <size_t> view.len)
            else:
                crc = ql_crc32c_portable(crc, <const unsigned char*> view.buf, <size_t> view.len)
    finally:
        PyBuffer_Release(&view)
    return crc
