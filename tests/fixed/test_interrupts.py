"""A signal ends a long operation on arrays while it runs."""

import signal
import time

import numpy as np
import pytest

from quantlaxmi.fixed import FixedArray


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers of signals")
def test_an_operation_on_many_rows_hears_a_signal() -> None:
    values = FixedArray(np.arange(1, 4_000_001), -2)
    begun = time.thread_time()
    assert len(values.div(values, exponent=-4)) == 4_000_000
    whole = time.thread_time() - begun

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGPROF, interrupt)
    try:
        begun = time.thread_time()
        signal.setitimer(signal.ITIMER_PROF, whole / 8)
        with pytest.raises(KeyboardInterrupt):
            _ = values.div(values, exponent=-4)
        assert time.thread_time() - begun < whole / 2
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
