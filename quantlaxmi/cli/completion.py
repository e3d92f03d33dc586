"""``completion``: a script that completes commands, actions, options and files in a shell."""

from __future__ import annotations

import sys
from typing import Any

USAGE = """
Print a script that completes commands, options, files and folders in a shell.

Usage:
  {program} completion (bash|zsh|fish)

Where each shell looks for it:
bash  ~/.local/share/bash-completion/completions/{program}
zsh   _{program}, in a folder of $fpath
fish  ~/.config/fish/completions/{program}.fish

The script knows the commands of this version; write it again after an update.
"""


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.cli.command_list import commands
    from quantlaxmi.cli.completion_scripts import SCRIPTS

    program = args["program"]
    shell = next(name for name in SCRIPTS if args[name])
    sys.stdout.write(SCRIPTS[shell](program, commands(program)))
    return 0
