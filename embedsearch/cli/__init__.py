"""The command line: parse flags, call the package, print."""

from embedsearch.cli.main import main

__all__ = ["main"]
