"""Strategies that end badly in a worker process, each in its own way."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Literal

from quantlaxmi.strategies import CryptoStrategy, StrategyConfig

#: What it does at its first event.
Way = Literal["nothing", "raise", "hang", "eat", "exit_zero", "kill", "sleep"]


class BadConfig(StrategyConfig, frozen=True, kw_only=True):
    """How it ends."""

    way: Way = "nothing"


class Bad(CryptoStrategy):
    """Does nothing, until it does what its setting says."""

    strategy_id = "bad"
    Config = BadConfig

    def on_market(self, event, ctx):
        getattr(self, f"do_{self.config.way}")()

    def do_nothing(self):
        pass

    def do_raise(self):
        raise ValueError("it was to be expected")

    def do_hang(self):
        """In C, with Python's lock held."""
        re.match(r"(a+)+$", "a" * 60 + "b")

    def do_eat(self):
        self.eaten = getattr(self, "eaten", [])
        self.eaten.append(b"x" * (16 << 20))

    def do_exit_zero(self):
        os._exit(0)

    def do_kill(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def do_sleep(self):
        if not getattr(self, "slept", False):
            self.slept = True
            time.sleep(0.3)


class Quiet(Bad):
    """The same under another name."""

    strategy_id = "quiet"
