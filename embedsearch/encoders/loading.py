"""Loading an encoder by its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING

from embedsearch.encoders.base import Identity
from embedsearch.encoders.choosing import Wish, choose
from embedsearch.encoders.sentence import SentenceEncoder
from embedsearch.encoders.settings import REMOTE, RemoteSettings
from embedsearch.encoders.weights import find_model
from embedsearch.errors import EncoderError
from embedsearch.given import require_text

if TYPE_CHECKING:
    from embedsearch.encoders.remote import RemoteEncoder

_preferred: ContextVar[Wish] = ContextVar("preferred", default=Wish())  # noqa: B039 - it is frozen

DEFAULT_ENCODER = "all-MiniLM-L6-v2"


@lru_cache(maxsize=4)
def _load(name: str, wish: Wish) -> SentenceEncoder:
    folder = find_model(name)
    if branching := {"Router", "Asym"} & set(folder.kinds):
        raise EncoderError(
            f"the model {name!r} has separate branches for queries and documents ({branching.pop()}), which are not "
            "supported; name a model with one, or with prompts"
        )
    return SentenceEncoder(name, folder, wish)


def is_remote(name: str) -> bool:
    """Return whether this is the name of an encoder behind an endpoint."""
    return name.startswith(REMOTE)


@lru_cache(maxsize=4)
def _remote(name: str, settings: RemoteSettings) -> RemoteEncoder:
    from embedsearch.encoders.remote import RemoteEncoder

    return RemoteEncoder(name, settings)


def _wish(engine: str | None, precision: str | None, device: str | None) -> Wish:
    """Return what is asked for, or preferred where nothing is."""
    preferred = _preferred.get()
    for what, given in (("engine", engine), ("precision", precision), ("device", device)):
        if given is not None:
            require_text(f"the {what}", given, error=EncoderError)
    return Wish(engine or preferred.engine, precision or preferred.precision, device or preferred.device)


@contextmanager
def preferring(*, engine: str | None = None, precision: str | None = None, device: str | None = None) -> Iterator[None]:
    """Run every encoder that is loaded within the ``with`` block as asked for, even those that an index loads itself.

    Args:
        engine: as for `load_encoder`; if None, it stays as it was.
        precision: likewise.
        device: likewise.

    Raises:
        EncoderError: there is no such engine or precision.
    """
    token = _preferred.set(_wish(engine, precision, device))
    try:
        yield
    finally:
        _preferred.reset(token)


def load_identified(name: str, identity: Identity) -> SentenceEncoder | RemoteEncoder:
    """Return the encoder called *name* as it made the vectors of *identity*, unless a precision is asked for.

    Raises:
        EncoderError: as for `load_encoder`; or the encoder was an object of the user's own.
    """
    if not identity.weights and not is_remote(name):
        raise EncoderError(
            f"the encoder {name!r} is an object made in Python, which cannot be found by its name; pass it, as in "
            "embedsearch.open(path, encoder)"
        )
    return load_encoder(name, precision=_preferred.get().precision or identity.precision or None)


def load_encoder(
    name: str = DEFAULT_ENCODER,
    *,
    engine: str | None = None,
    precision: str | None = None,
    device: str | None = None,
) -> SentenceEncoder | RemoteEncoder:
    """Load an encoder by name; the same arguments give the same encoder within a process.

    An argument that is None takes the value set by `preferring`, else the best one on this machine.

    Args:
        name: a sentence-transformers model name, or a local folder of such a model; or ``openai:MODEL`` for a model
            behind the endpoint that ``OPENAI_BASE_URL`` names, ``openai:MODEL@256`` for that many of its dimensions.
        engine: ``openvino`` or ``torch``; if None, the fastest that gives the same vectors.
        precision: ``bf16`` or ``f32``; if None, with OpenVINO bf16 if the processor computes in it, else f32.
            ``int8`` is another encoder, whose vectors are near the model's own but not the same.
        device: a torch device such as ``cpu`` or ``cuda``; if None, the best one there is.

    Raises:
        EncoderError: no weights are found, or they are damaged; the model has branches; the engine asked for cannot run
            it; or what the environment says about a remote one cannot be used.
    """
    if not require_text("the encoder's name", name, error=EncoderError).strip():
        raise EncoderError(f"the encoder's name is empty; name a model, such as {DEFAULT_ENCODER}, or a folder")
    wish = _wish(engine, precision, device)
    if is_remote(name):
        if wish != Wish():
            raise EncoderError(
                f"{name} is computed elsewhere: leave out (or unset) the engine, the precision and the device"
            )
        return _remote(name, RemoteSettings.from_environment())
    encoder = _load(name, wish)
    if wish.needs_openvino:
        choose(encoder.folder, wish)  # what cannot be honoured is refused at once
    return encoder
