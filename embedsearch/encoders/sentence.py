"""Sentence-transformers models as encoders."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedsearch.encoders.base import Identity
from embedsearch.encoders.weights import ModelFolder, find_model
from embedsearch.errors import EncoderError
from embedsearch.vectors import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

DEFAULT_ENCODER = "all-MiniLM-L6-v2"


class SentenceEncoder:
    """A sentence-transformers model.

    Counting tokens and telling who it is need only small files of the model's folder; torch and the weights
    are loaded when the first text is encoded, so that commands that encode nothing start at once.
    """

    def __init__(self, name: str, folder: ModelFolder, *, device: str | None = None) -> None:
        """Wrap the model in *folder*; nothing is read yet.

        Args:
            name: what the user called it.
            folder: where it lies.
            device: a torch device such as ``cpu`` or ``cuda``; the best one there is if None.
        """
        self.name = name
        self.folder = folder
        self.device = device

    def __repr__(self) -> str:
        return f"SentenceEncoder({self.name!r}, dimension={self.dimension}, from {self.folder.place})"

    @cached_property
    def identity(self) -> Identity:
        """What decides its vectors."""
        return Identity(
            name=self.name,
            dimension=self.dimension,
            revision=self.folder.revision,
            weights=self.folder.sha256(),
            pooling=json.dumps(self._pooling, sort_keys=True),
            prompts=tuple(sorted(self._prompts.items())),
            max_tokens=self.max_tokens,
        )

    @cached_property
    def dimension(self) -> int:
        """The length of its vectors; loads the model where its pooling is not the last word on that."""
        last_is_pooling = not any("Dense" in module for module in self._modules)
        size = self._pooling.get("embedding_dimension", self._pooling.get("word_embedding_dimension"))
        if last_is_pooling and isinstance(size, int):
            return size
        return int(self._model.get_embedding_dimension() or 0)

    @cached_property
    def max_tokens(self) -> int | None:
        """The most tokens of a text that it reads, special ones and the document prompt not counted."""
        limit = _read_json(self.folder.path / "sentence_bert_config.json").get("max_seq_length")
        if not isinstance(limit, int):
            limit = self._model.max_seq_length
        if limit is None:
            return None
        special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        return int(limit) - int(special) - self._prompt_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens not counted."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of documents, float32 of shape (len(texts), dimension)."""
        return self._encode(texts, self._model.encode_document)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of queries, float32 of shape (len(texts), dimension)."""
        return self._encode(texts, self._model.encode_query)

    def _encode(self, texts: Sequence[str], function: Any) -> Vectors:
        vectors: Vectors = function(
            list(texts), normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return vectors

    @cached_property
    def _model(self) -> SentenceTransformer:
        # The tokenizers' own threads and a fork do not go together, and its warning about that is not for users.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        self.folder.sha256()  # refuses damaged weights before they are used
        with _quiet():
            from sentence_transformers import SentenceTransformer

            try:
                return SentenceTransformer(
                    str(self.folder.path),
                    device=self.device,
                    trust_remote_code=False,
                    local_files_only=True,
                    model_kwargs={"use_safetensors": True},
                )
            except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
                raise EncoderError(f"the model in {self.folder.path} cannot be loaded: {_first_line(error)}") from error

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        files = [self.folder.path / "tokenizer.json", *sorted(self.folder.path.glob("*/tokenizer.json"))]
        for file in files:
            if file.is_file():
                tokenizer = Tokenizer.from_file(str(file))
                # The file may carry a shorter limit of its own (128 in all-MiniLM-L6-v2), which would hide the length.
                tokenizer.no_truncation()
                tokenizer.no_padding()
                return tokenizer
        backend = getattr(self._model.tokenizer, "backend_tokenizer", None)
        if not isinstance(backend, Tokenizer):
            raise EncoderError(
                f"the model in {self.folder.path} has no tokenizer.json; save it anew with a fast tokenizer"
            )
        copy = Tokenizer.from_str(backend.to_str())
        copy.no_truncation()
        copy.no_padding()
        return copy

    @cached_property
    def _modules(self) -> list[str]:
        modules = _read_json(self.folder.path / "modules.json")
        return [str(module.get("type", "")) for module in modules] if isinstance(modules, list) else []

    @cached_property
    def _pooling(self) -> dict[str, Any]:
        files = sorted(self.folder.path.glob("*_Pooling/config.json"))
        return dict(_read_json(files[0])) if files else {}

    @cached_property
    def _prompts(self) -> dict[str, str]:
        prompts = _read_json(self.folder.path / "config_sentence_transformers.json").get("prompts") or {}
        return {str(role): str(prompt) for role, prompt in prompts.items() if prompt}

    @property
    def _prompt_tokens(self) -> int:
        longest = max((self._prompts.get(role, "") for role in ("query", "document")), key=len)
        return self.count_tokens([longest])[0] if longest else 0


@lru_cache(maxsize=4)
def _load(name: str, device: str | None) -> SentenceEncoder:
    return SentenceEncoder(name, find_model(name), device=device)


def load_encoder(name: str = DEFAULT_ENCODER, *, device: str | None = None) -> SentenceEncoder:
    """Return the encoder called *name*; the same one for the same arguments within a process.

    Args:
        name: a sentence-transformers model name, or a local folder of such a model.
        device: a torch device such as ``cpu`` or ``cuda``; the best one there is if None.

    Raises:
        EncoderError: no weights are found, or they are damaged.
    """
    if not name.strip():
        raise EncoderError(f"the encoder's name is empty; name a model, such as {DEFAULT_ENCODER}, or a folder")
    return _load(name, device)


def _read_json(file: Path) -> Any:
    """Return the JSON of *file*; an empty dict if there is no such file."""
    try:
        return json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise EncoderError(f"{file} is not JSON: {error}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def _quiet() -> Iterator[None]:
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
