"""A command looks for unreachable cycles less often, and leaves its process as it was."""

from __future__ import annotations

import gc

from quantlaxmi.cli import main as program


def test_a_command_collects_less_often(monkeypatch, capsys):
    usual, seen = gc.get_threshold(), []

    def command(name, arguments):
        seen.append(gc.get_threshold())
        return 0

    monkeypatch.setattr(program, "_command", command)
    assert program.run("quantlaxmi-crypto", ["strategies"]) == 0
    assert seen[0][0] > 10 * usual[0] and seen[0][1:] == usual[1:]
    assert gc.get_threshold() == usual


def test_an_error_leaves_the_process_as_it_was(capsys):
    usual = gc.get_threshold()
    assert program.run("quantlaxmi-crypto", ["no-such-command"]) == 2
    assert gc.get_threshold() == usual
    assert "unknown command" in capsys.readouterr().err
