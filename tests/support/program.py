"""The program, run in the process of a test."""

import sys
from unittest.mock import Mock

import pytest

import bot.__main__


def exit_of(monkeypatch: pytest.MonkeyPatch, command: str, **variables: str) -> object:
    """Run the program in this process, with these variables; return its exit code."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["clonevoice", command])
    monkeypatch.setattr(bot.__main__, "configure_logging", Mock())
    with pytest.raises(SystemExit) as ended:
        bot.__main__.main()
    return ended.value.code
