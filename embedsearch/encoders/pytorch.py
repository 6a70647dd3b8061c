"""A sentence-transformers model at work, as the library runs it."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from embedsearch.encoders.packing import pack
from embedsearch.encoders.weights import ModelFolder
from embedsearch.errors import EncoderError, first_line
from embedsearch.vectors import Rows, Vectors, unit

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_CPU_TOKENS = 4096
_ACCELERATOR_TOKENS = 65_536
_NO_LIMIT = 1 << 30  # tokenizers without one say 1e30

Counting = Callable[[Sequence[str]], list[int]]


class TorchModel:
    """A model of sentence-transformers; torch and the weights are loaded when the first text is encoded."""

    def __init__(self, folder: ModelFolder, *, count: Counting, device: str = "cpu", precision: str = "f32") -> None:
        """Wrap the model in *folder*.

        Args:
            folder: where it lies.
            count: counts the tokens of texts, to put those of like length together.
            device: a torch device such as ``cpu`` or ``cuda``.
            precision: ``f32`` or ``bf16``.
        """
        self.folder = folder
        self.device = device
        self.precision = precision
        self._count = count

    def encode(self, texts: Sequence[str], role: str = "document") -> Vectors:
        """Return unit vectors, float32 of shape (len(texts), dimension).

        Args:
            texts: any number.
            role: ``query`` or ``document``.

        Raises:
            EncoderError: it cannot be loaded, or fails, as where the memory of the device does not suffice.
        """
        result = np.empty((len(texts), int(self.model.get_embedding_dimension() or 0)), dtype=np.float32)
        for places, vectors in self.encode_parts(texts, role):
            result[places] = vectors
        return result

    def encode_parts(self, texts: Sequence[str], role: str = "document") -> Iterator[tuple[Rows, Vectors]]:
        """Yield what `encode` returns batch by batch, with the places of its texts; each place once."""
        function = self.model.encode_query if role == "query" else self.model.encode_document
        room = _CPU_TOKENS if self.model.device.type == "cpu" else _ACCELERATOR_TOKENS
        for places in pack(self._lengths(texts), room):
            batch = [texts[place] for place in places]
            try:
                given = function(batch, batch_size=len(batch), convert_to_numpy=True, show_progress_bar=False)
            except (RuntimeError, IndexError) as error:
                raise EncoderError(f"the model in {self.folder.path} failed: {first_line(error)}") from error
            # Normalised here and not by the library, which does it in the model's own precision.
            yield places, unit(given, error=EncoderError)

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        """Return what each text takes in a batch, special tokens counted, what is cut off not."""
        longest = self.limit or _NO_LIMIT
        return [min(longest, count + 2) for count in self._count(texts)]

    @property
    def limit(self) -> int | None:
        """The most tokens that it reads, special ones counted; None where it reads any number."""
        given = self.model.max_seq_length
        return int(given) if given and given < _NO_LIMIT else None

    @cached_property
    def model(self) -> SentenceTransformer:
        """The library's own object.

        Raises:
            EncoderError: it cannot be loaded.
        """
        # The tokenizers' own threads and a fork do not go together, and its warning about that is not for users.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        self.folder.sha256()  # refuses damaged weights before they are used
        with quiet():
            from safetensors import SafetensorError
            from sentence_transformers import SentenceTransformer

            try:
                model = SentenceTransformer(
                    str(self.folder.path),
                    device=self.device,
                    trust_remote_code=False,
                    local_files_only=True,
                    model_kwargs={"use_safetensors": True},
                )
            except (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError) as error:
                raise EncoderError(f"the model in {self.folder.path} cannot be loaded: {first_line(error)}") from error
        # The library takes all positions for usable, and some models have a note of more tokens than they can read.
        if positions := self.folder.positions:
            model.max_seq_length = min(model.max_seq_length or positions, positions)
        # Weights that were saved in half precision are loaded as they are, and computed in.
        return model.bfloat16() if self.precision == "bf16" else model.float()


def best_device() -> str:
    """Return the device that sentence-transformers takes where none is named."""
    with quiet():
        from sentence_transformers.util import get_device_name

        return str(get_device_name())


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' loading bars and notices off the user's screen."""
    from transformers.utils import logging as transformers_logging

    loggers = [logging.getLogger(name) for name in ("sentence_transformers", "transformers")]
    levels = [logger.level for logger in loggers]
    bars = transformers_logging.is_progress_bar_enabled()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        transformers_logging.disable_progress_bar()
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            if bars:
                transformers_logging.enable_progress_bar()
