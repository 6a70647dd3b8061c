"""A compiled model at work: OpenVINO and a tokenizer, without torch.

The folder of a compiled model holds ``model.blob`` (the graph as OpenVINO exports it for this processor),
``tokenizer.json`` and ``manifest.json``; `embedsearch.encoders.conversion` makes it.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from embedsearch.encoders.cache import digest, stamp
from embedsearch.encoders.packing import pack, pad, padded_length
from embedsearch.errors import EncoderError, first_line
from embedsearch.vectors import Rows, Vectors

if TYPE_CHECKING:
    from openvino import AsyncInferQueue
    from openvino import CompiledModel as Graph
    from tokenizers import Tokenizer

BLOB, TOKENIZER, MANIFEST = "model.blob", "tokenizer.json", "manifest.json"
LEAST_COSINE = 0.9999  # to the vectors of sentence-transformers, in bf16 and f32
LEAST_INT8_COSINE = 0.98  # the same in int8, which is another encoder and asked for by name
_PROBE = "A wolf waits in the tall grass: 狼, 12 kg."
_BATCH_TOKENS = 3072  # on AMX 4% quicker than 4096; more spills the caches, fewer leaves the cores waiting
_LEAST_TOKENS = 256  # few texts are shared out among the streams down to batches of this size
_WINDOW = 2048  # texts that are tokenised ahead: all that is held in memory beside the result


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a compiled model knows of itself.

    Attributes:
        refused: why the conversion was given up; empty if it was not.
        failures: how often in a row it was given up for an error, which may be one of the moment, such as too little
            memory; 0 if it was not, or if the vectors differ, as they always will.
        precision: ``bf16``, ``f32`` or ``int8``.
        dimension: the length of its vectors.
        max_tokens: the most tokens it reads, special ones counted.
        filler: the token that pads.
        inputs: the names of the graph's inputs.
        prompts: put before a text, by role: ``query`` and ``document``.
        lowest, mean: cosines to sentence-transformers at conversion.
        sha256: of the graph and the tokenizer, one behind the other.
        probe: the vector of a fixed text, to see at each start that the graph still gives it.
    """

    refused: str = ""
    failures: int = 0
    precision: str = ""
    dimension: int = 0
    max_tokens: int = 0
    filler: int = 0
    inputs: Sequence[str] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)
    lowest: float = 0.0
    mean: float = 0.0
    sha256: str = ""
    probe: Sequence[float] = ()

    def write(self, folder: Path) -> None:
        """Write it into the folder of its model."""
        (folder / MANIFEST).write_text(json.dumps(asdict(self), ensure_ascii=False), "utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read it from the folder of its model.

        Raises:
            EncoderError: it is not there, or is damaged.
        """
        try:
            return cls(**json.loads((folder / MANIFEST).read_text("utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise EncoderError(f"{folder} holds no compiled model that can be read: {error}") from error


class CompiledModel:
    """A compiled model; nothing is loaded before the first text."""

    def __init__(self, folder: Path, manifest: Manifest | None = None) -> None:
        """Wrap the model in *folder*.

        Raises:
            EncoderError: there is none.
        """
        self.folder = folder
        self.manifest = manifest or Manifest.read(folder)
        self._lock = Lock()

    def encode(self, texts: Sequence[str], role: str = "document") -> Vectors:
        """Return unit vectors, float32 of shape (len(texts), dimension).

        Args:
            texts: any number; tokens of later ones are counted while earlier ones are embedded.
            role: ``query`` or ``document``.

        Raises:
            EncoderError: the compiled model cannot be loaded or fails.
        """
        result = np.empty((len(texts), self.manifest.dimension), dtype=np.float32)
        for places, vectors in self.encode_parts(texts, role):
            result[places] = vectors
        return result

    def encode_parts(self, texts: Sequence[str], role: str = "document") -> Iterator[tuple[Rows, Vectors]]:
        """Yield what `encode` returns batch by batch as it is done, with the places of its texts; each place once."""
        done: SimpleQueue[tuple[Rows, Vectors]] = SimpleQueue()
        prompt = self.manifest.prompts.get(role, "")
        # One queue, one call at a time: what is done in it belongs to this call.
        with self._lock:
            # Copied: the tensor is the request's own, which takes the next batch.
            self._queue.set_callback(
                lambda request, places: done.put((places, request.get_output_tensor(0).data.copy()))
            )
            try:
                for places, given in self._batches([prompt + text for text in texts] if prompt else texts):
                    self._queue.start_async(given, userdata=places)
                    yield from _taken(done)
                self._queue.wait_all()
            except RuntimeError as error:
                raise EncoderError(f"the compiled model {self._blob} failed: {first_line(error)}") from error
            finally:
                # What is given up may still be at work.
                with contextlib.suppress(RuntimeError):
                    self._queue.wait_all()
        yield from _taken(done)

    def check(self) -> None:
        """Load the model and encode one text whose vector is known.

        Raises:
            EncoderError: it is damaged, or gives another vector on this machine.
        """
        try:
            if content_digest(self.folder) != self.manifest.sha256:
                raise EncoderError(f"{self.folder} does not hold what was written there")
            cosine = float(self.encode([_PROBE])[0] @ np.asarray(self.manifest.probe, dtype=np.float32))
        except EncoderError:
            raise
        except Exception as error:  # tokenizers raises no narrower one for a file that it cannot read
            raise EncoderError(f"the compiled model in {self.folder} cannot be loaded: {error}") from error
        if not cosine >= LEAST_COSINE:
            raise EncoderError(f"{self._blob} gives another vector than when it was made: cosine {cosine:.5f}")

    def probe(self) -> list[float]:
        """Return the vector that `check` will want."""
        return [float(value) for value in self.encode([_PROBE])[0]]

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[Rows, dict[str, Any]]]:
        """Yield the places of texts batch by batch, and the graph's inputs."""
        for start, tokens in self._tokenised(texts):
            lengths = [len(ids) for ids in tokens]
            streams = len(self._queue) if start + _WINDOW >= len(texts) else 1
            for places in pack(lengths, _BATCH_TOKENS, streams=streams, least=_LEAST_TOKENS):
                longest = padded_length(lengths[places[0]], self.manifest.max_tokens)
                ids, mask = pad([tokens[place] for place in places], self.manifest.filler, longest)
                given = {"input_ids": ids, "attention_mask": mask}
                if "token_type_ids" in self.manifest.inputs:
                    given["token_type_ids"] = np.zeros_like(ids)
                yield places + start, given

    def _tokenised(self, texts: Sequence[str]) -> Iterator[tuple[int, list[list[int]]]]:
        """Yield the tokens of texts window by window, each with the place of its first text."""
        starts = range(0, len(texts), _WINDOW)
        if len(starts) <= 1:
            yield from ((start, self._tokens(texts)) for start in starts)
            return
        with ThreadPoolExecutor(1) as ahead:
            following = ahead.submit(self._tokens, texts[:_WINDOW])
            for start in starts:
                tokens = following.result()
                following = ahead.submit(self._tokens, texts[start + _WINDOW : start + 2 * _WINDOW])
                yield start, tokens

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))] if texts else []

    @property
    def _blob(self) -> Path:
        return self.folder / BLOB

    @cached_property
    def _queue(self) -> AsyncInferQueue:
        return openvino().AsyncInferQueue(self._graph)

    @cached_property
    def _graph(self) -> Graph:
        library = openvino()
        try:
            # Read, not mapped: a tensor over a map saves 65 MB and crashes the process once the map is let go.
            return library.Core().import_model(self._blob.read_bytes(), "CPU", settings(self.manifest.precision))
        except (OSError, RuntimeError) as error:
            raise EncoderError(f"the compiled model {self._blob} cannot be loaded: {type(error).__name__}") from error

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.folder / TOKENIZER))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.manifest.max_tokens)
        return tokenizer


def content_digest(folder: Path) -> str:
    """Return the SHA-256 of a compiled model's graph and tokenizer; remembered while neither is changed."""
    return digest((stamp(folder / BLOB), stamp(folder / TOKENIZER)))


def openvino() -> Any:
    """Return the library, imported without its telemetry.

    ``import openvino`` by itself reports the import over the network and leaves a folder in the user's home, unless
    the user has refused that. Where the package that reports is absent, it does without.
    """
    reporter = "openvino_telemetry"
    hidden = reporter not in sys.modules
    if hidden:
        sys.modules[reporter] = None  # type: ignore[assignment]  # an import of it raises ImportError now
    try:
        import openvino as library
    finally:
        if hidden:
            del sys.modules[reporter]
    return library


def settings(precision: str) -> dict[str, str]:
    """Return OpenVINO's settings: many batches at once, each on its own core, in the precision given.

    What a model in int8 does not compute in integers it computes in f32.
    """
    return {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32" if precision == "int8" else precision}


def _taken(done: SimpleQueue[tuple[Rows, Vectors]]) -> Iterator[tuple[Rows, Vectors]]:
    """Yield what is in a queue, without waiting for more."""
    while not done.empty():
        yield done.get()
