"""Setting up and freeing the state of a run; the steps in the order in which they are taken."""
from quantlaxmi._ext.engine_state cimport engine_t, tape_t

cdef int point_at(engine_t* e, dict memory) except -1
cdef int allocate_tape(tape_t* m, engine_t* e, engine_t** alone) except -1
cdef int allocate(engine_t* e, Py_ssize_t n_currencies) except -1
cdef int set_accounts(
    engine_t* e, accounts, Py_ssize_t n_currencies, rate_den
) except -1
cdef int set_delays(engine_t* e, dict keep, delays) except -1
cdef int set_guard(engine_t* e, rules, limits) except -1
cdef int set_impact(engine_t* e, impact) except -1
cdef int set_borrow(engine_t* e, terms) except -1
cdef int set_base_fees(engine_t* e, terms) except -1
cdef int set_contracts(tape_t* m, terms) except -1
cdef int set_features(tape_t* m, features) except -1
cdef void release(tape_t* m, engine_t* e) noexcept
