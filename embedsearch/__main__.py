"""``python -m embedsearch``: the command line of this Python, whatever script is found first."""

from embedsearch.cli import main

if __name__ == "__main__":
    main()
