"""What ``filter`` writes, and what it says afterwards."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from embedsearch.cli.output import note, table, write_into
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch.cli.filter_run import Asked
    from embedsearch.filtering import Profile, Sieve
    from embedsearch.index import Agreement, Verdict


def emit(sieve: Sieve, asked: Asked, stream: BinaryIO | None, rejected: BinaryIO | None) -> int:
    """Write what was asked for into the streams of -o and --sample-to; return how many documents that are."""
    if asked.sample and not asked.sample_to:
        for _ in sieve:
            pass
        sampled = sieve.sampled()
        _write(sampled, sieve, asked, stream, asked.output)
        return len(sampled)
    _write(sieve, sieve, asked, stream, asked.output)
    if rejected:
        _write(sieve.sampled(), sieve, asked, rejected, asked.sample_to)
    return sieve.given


def _write(verdicts: Iterable[Verdict], sieve: Sieve, asked: Asked, stream: BinaryIO | None, file: str | None) -> None:
    """Write into the stream of a file, or to stdout."""
    from embedsearch.filtering.outputs import ROWS_AT_ONCE, ParquetWriter, RecordWriter

    kind = asked.kind_of(file)
    if kind == "table":
        _write_table(verdicts, asked)
    elif kind == "same" and file and stream and file.casefold().endswith(".parquet"):
        # The best are few, and lie anywhere in their files: all at once, each file is read once.
        ParquetWriter(stream, [one.name for one in asked.planned]).write(verdicts, at_once=asked.top or ROWS_AT_ONCE)
    elif kind == "same":
        sys.stdout.flush()
        out: BinaryIO = stream or sys.stdout.buffer
        writer = RecordWriter(out, asked.reading["encoding"], asked.reading["read_as"])
        writer.write(verdicts)
        if sieve.first:
            writer.write_header(sieve.first)
        out.flush()
    else:
        write_into(stream, (verdict.to_dict() for verdict in verdicts), kind, columns=_columns(asked))


def _columns(asked: Asked) -> list[str]:
    """Return the header of CSV and TSV where no document passes; what fields there are is not known then."""
    measured = [f"{what}.{name}" for what in ("coordinates", "versions") for name in asked.axes]
    return ["id", "title", "text", "source", *measured, *(["reasons"] if asked.explain else [])]


def _write_table(verdicts: Iterable[Verdict], asked: Asked) -> None:
    wide = "why" if asked.explain else "document"
    rows = [
        [verdict.document.id, *verdict.coordinates.values(), _why(verdict) if asked.explain else _called(verdict)]
        for verdict in verdicts
    ]
    if rows:
        table(["id", *asked.axes, wide], rows, wide=wide)


def _called(verdict: Verdict) -> str:
    return verdict.document.title or verdict.document.text


def _why(verdict: Verdict) -> str:
    reasons = [f"{reason.part} ({reason.value:.3f}): {reason.sentence}" for reason in verdict.reasons]
    return " | ".join(reasons) or _called(verdict)


def tell(sieve: Sieve, asked: Asked, written: int, profile: Profile | None) -> None:
    """Say what was saved, how documents fared, part by part, and how long it took where that was asked for."""
    from embedsearch.filtering.sieve import counted

    if asked.save_file:
        note(_saved(asked, profile))
    if asked.sample:
        sampled = min(asked.sample, sieve.read - sieve.passed)
        where = f"are in {asked.sample_to}" if asked.sample_to else "come out"
        note(f"{sampled:,} of the rejected, drawn at random (seed {asked.seed}), {where}.")
    best = f"; these are the best {written:,} of them" if asked.top else ""
    note(f"{sieve.passed:,} of {count_of(sieve.read, 'document')} passed{best}.")
    for line in counted(sieve.verdicts.counts):
        note(line)
    if asked.check and sieve.read:
        _tell_agreement(sieve.agreement, asked.check)
    if asked.explain:
        from embedsearch.index.tracing import Trace

        note(str(Trace(sieve.verdicts.steps)))


def why_nothing(sieve: Sieve, asked: Asked) -> str:
    """Say why nothing came out."""
    if not sieve.read:
        return "no document was read"
    if asked.sample and not asked.sample_to:
        return "no document was rejected"
    return "every document satisfies the condition" if asked.invert else "no document satisfies the condition"


def _saved(asked: Asked, profile: Profile | None) -> str:
    if profile is None:
        return f"No document was read, so no profile was saved in {asked.save_file}."
    again = " It does not keep --top; give that again." if asked.top else ""
    return f"Profile {profile.name!r} saved in {asked.save_file}: {', '.join(profile.axes) or 'no axes'}.{again}"


def _share(share: float) -> str:
    return "none" if math.isnan(share) else f"{share:.3f}"


def _tell_agreement(agreement: Agreement, check: str) -> None:
    wanted = agreement.both + agreement.wanted_only
    note(
        f"Against {check!r} ({count_of(wanted, 'document')}): "
        f"precision {_share(agreement.precision)}, recall {_share(agreement.recall)}, F1 {_share(agreement.f1)} "
        f"({agreement.both:,} right, {agreement.passed_only:,} too many, {agreement.wanted_only:,} missed)."
    )
