"""Strategies are asked, and answer with legs or fail."""
from libc.math cimport NAN
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.decision_record cimport record_decision
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.sleep cimport doze, ql_any_wakes, ql_wakes
from quantlaxmi._ext.tape cimport bring_up, lane_failed


cdef int lane_answers(tape_t* m, engine_t* e, int64_t n) noexcept nogil:
    cdef int status = STRATEGY_FAILED
    if n > 0:
        bring_up(m, e)
        status = record_decision(e, n)
    else:
        e.detail = n
    return OK if status == OK else lane_failed(m, e, status)


cdef int ask_awake(tape_t* m) noexcept nogil:
    cdef sleep_t* s = m.sleep
    cdef engine_t* e
    cdef double num = NAN, den = 1, now = <double>m.ts_ns
    cdef Py_ssize_t k
    cdef int64_t n
    cdef int status
    if m.n_features and m.features[0].den > 0:
        num = <double>m.features[0].num
        den = <double>m.features[0].den
    if not ql_any_wakes(s.low, s.high, s.until, s.n, num, den, now):
        return OK
    for k in range(m.n_lanes):
        if not ql_wakes(s.low, s.high, s.until, k, num, den, now):
            continue
        e = m.lanes[k]
        e.ctx.now_ns = m.ts_ns
        e.ctx.message = m.message
        n = e.step(
            e.ctx, m.event, m.books, e.positions, m.features, e.state, e.params, e.legs_out
        )
        if n != 0:
            status = lane_answers(m, e, n)
            if status != OK:
                return status
        if not e.failed:
            doze(s, e)
    return OK
