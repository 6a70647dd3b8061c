"""What an entry of BibTeX says: values joined and written out, names apart, LaTeX's accents as letters.

bibtexparser divides an entry into fields and authors into names, pylatexenc knows LaTeX. Between them stand the rules
of values, which bibtexparser leaves: ``#`` joins, an abbreviation may itself be made of others, and what remains behind
a closed value means that a comma is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from embedsearch.errors import SourceError

_FULL_MONTHS = {name: number for number, name in enumerate(
    ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
     "december"), start=1)}  # fmt: skip
_MONTHS = {name[:3]: str(number) for name, number in _FULL_MONTHS.items()}  # which are known without an @string
_NAMES = {"author": "authors", "editor": "editors"}
# Addresses, numbers and paths, which LaTeX does not set as text; biblatex calls such fields verbatim.
_VERBATIM = frozenset(("doi", "eprint", "file", "isbn", "issn", "pdf", "pmcid", "pmid", "uri", "url"))
_WRAPPING = re.compile(r"(?:\\url\s*)?\{")
_TILDE = re.compile(r"\{\\textasciitilde\}|\\textasciitilde(?:\{\}|\s|\b)|\\~\{\}|\{~\}")
_ESCAPED = re.compile(r"(\{)?\\([_%&#])(?(1)\})")
_MARKUP = re.compile(r"[\\{}~$`']|--")
_BARE_PERCENT = re.compile(r"(?<!\\)%")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_WORD = re.compile(r"[^\s#{}\",]+")


def entry_fields(text: str, header: str, place: str) -> dict[str, Any]:
    """Return the fields of one entry, its key as ``key`` and its type as ``entry_type``.

    Args:
        text: the entry as it stands in its file.
        header: the ``@string`` entries before it.
        place: what messages call it.

    Raises:
        SourceError: it is not an entry; the message says what is wrong with it.
    """
    from bibtexparser import parse_string

    library = parse_string(text, parse_stack=[])
    if not library.entries:
        cause = getattr(library.failed_blocks[0], "error", "") if library.failed_blocks else ""
        said = " ".join(str(cause).split())[:200] or (
            f"{' '.join(text.split())[:60]!r}; wanted is @type{{key, field = {{value}}, …}}, with all commas"
        )
        raise SourceError(f"{place}: not an entry of BibTeX: {said}")
    entry = library.entries[0]
    known = _abbreviations(header)
    fields: dict[str, Any] = {"key": entry.key, "entry_type": entry.entry_type.lower()}
    for field in entry.fields:
        name = field.key.lower()
        name = "sort_key" if name == "key" else _NAMES.get(name, name)
        if name in fields:
            raise SourceError(f"{place}: not an entry of BibTeX: the field {field.key!r} stands in it twice")
        fields[name] = _value_of(name, _joined(field.value, known, field.key, place))
    return fields


def _value_of(name: str, value: str) -> Any:
    """Return authors and keywords as lists, a month as its number, anything else as a text."""
    if name in _VERBATIM:
        return _verbatim(value)
    if name in _NAMES.values():
        from bibtexparser.middlewares.names import split_multiple_persons_names

        # Before the braces go: {Wolf and Sons} is one name.
        return [_plain(one) for one in split_multiple_persons_names(value) if one.strip()]
    plain = _plain(value)
    if name == "keywords":
        return [word.strip() for word in re.split(r"[,;]", plain) if word.strip()]
    if name == "month":
        return int(plain) if re.fullmatch(r"[1-9]|1[0-2]", plain) else _FULL_MONTHS.get(plain.lower(), plain)
    return plain


@lru_cache(maxsize=4)
def _abbreviations(header: str) -> Mapping[str, str]:
    """Return the values of ``@string`` entries by their names in lower case; months are known without one."""
    from bibtexparser import parse_string

    known = dict(_MONTHS)
    for string in parse_string(header, parse_stack=[]).strings:
        known[string.key.lower()] = _joined(string.value, known, string.key, "")
    return known


def _joined(value: str, known: Mapping[str, str], name: str, place: str) -> str:
    """Return a value as one text: parts in braces, in quotes or bare, joined by ``#``."""
    parts: list[str] = []
    rest = value.strip()
    while rest:
        part, rest = _first_part(rest, known)
        parts.append(part)
        rest = rest.strip()
        if rest and not rest.startswith("#") and place:
            raise SourceError(
                f"{place}: the field {name!r} goes on behind its end, at {rest[:30]!r}; a comma is missing"
            )
        rest = rest[1:].strip()
    return "".join(parts)


def _first_part(rest: str, known: Mapping[str, str]) -> tuple[str, str]:
    if rest[0] in '{"':
        end = _closing(rest)
        return rest[1:end], rest[end + 1 :]
    word = _WORD.match(rest)
    bare = word[0] if word else rest[0]
    return known.get(bare.lower(), bare), rest[len(bare) :]


def _closing(rest: str) -> int:
    """Return where the brace or quote closes that *rest* begins with; a quote in braces closes nothing."""
    depth = 0
    quoted = rest[0] == '"'
    pattern = re.compile(r"\\.|[{}\"]", re.DOTALL) if quoted else _BRACE
    for mark in pattern.finditer(rest, 1 if quoted else 0):
        depth += {"{": 1, "}": -1}.get(mark[0], 0)
        if depth == 0 and mark[0] == ('"' if quoted else "}"):
            return mark.start()
    return len(rest)


def _verbatim(value: str) -> str:
    r"""Return an address, number or path as it stands, without braces or ``\url`` around it.

    Only ``\_``, ``\%``, ``\&``, ``\#`` and ``\textasciitilde`` become the characters.
    """
    value = " ".join(value.split())
    while (opening := _WRAPPING.match(value)) and opening.end() + _closing(value[opening.end() - 1 :]) == len(value):
        value = value[opening.end() : -1].strip()
    return _ESCAPED.sub(r"\2", _TILDE.sub("~", value))


def _plain(value: str) -> str:
    r"""Return LaTeX as plain text on one line: ``M{\"u}ller`` is Müller. Formulas stay as they are."""
    if _MARKUP.search(value):
        value = _decoder()(value)
    return " ".join(value.split())


@lru_cache(maxsize=1)
def _decoder() -> Callable[[str], str]:
    from pylatexenc import latex2text, latexwalker, macrospec

    # pylatexenc has a text for \href, but takes it for a command without arguments.
    read = latexwalker.get_default_latex_context_db()
    read.add_context_category("addresses", [macrospec.std_macro("href", "{{")], prepend=True)
    said = latex2text.get_default_latex_context_db()
    said.add_context_category(
        "as it stands",
        [
            latex2text.MacroTextSpec("url", lambda macro: _verbatim(_argument(macro, 0))),
            latex2text.MacroTextSpec("href", _link),
        ],
        specials=[latex2text.SpecialsTextSpec("&", "&")],  # of a table's columns to LaTeX; a text has none
        prepend=True,
    )
    to_text = latex2text.LatexNodes2Text(latex_context=said, math_mode="verbatim").nodelist_to_text

    def decode(value: str) -> str:
        try:
            # To LaTeX the rest of a line behind % is a comment; in abstracts it is "50% of the wolves".
            walker = latexwalker.LatexWalker(_BARE_PERCENT.sub(r"\\%", value), latex_context=read)
            return str(to_text(walker.get_latex_nodes()[0]))
        except (latexwalker.LatexWalkerError, RecursionError):
            return value

    return decode


def _link(macro: Any) -> str:
    return f"{_plain(_argument(macro, 1))} <{_verbatim(_argument(macro, 0))}>"


def _argument(macro: Any, number: int) -> str:
    """Return an argument of a command as it stands; empty where there is none."""
    arguments = macro.nodeargd.argnlist if macro.nodeargd else []
    return str(arguments[number].latex_verbatim()) if number < len(arguments) else ""
