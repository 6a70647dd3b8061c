"""Sentence-transformers models as encoders."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from embedsearch.encoders import letters
from embedsearch.encoders.base import Identity
from embedsearch.encoders.cache import require_writable
from embedsearch.encoders.choosing import (
    PLAIN,
    Choice,
    Wish,
    choose,
    compiled,
    compiled_folder,
    held,
    is_tried,
    pooling_mode,
    refused,
    unwritable,
)
from embedsearch.encoders.compiled import CompiledModel
from embedsearch.encoders.forking import require_unforked
from embedsearch.encoders.pytorch import TorchModel, best_device
from embedsearch.encoders.warm import FEW, WarmModel, find
from embedsearch.encoders.weights import ModelFolder, read_settings
from embedsearch.errors import EncoderError
from embedsearch.given import require_texts
from embedsearch.offering import keeps_back
from embedsearch.vectors import Vectors

_log = logging.getLogger("embedsearch")

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@keeps_back("encode_parts", "folder", "wish")
class SentenceEncoder:
    """A sentence-transformers model.

    Counting tokens and telling the model's identity need only small files in its folder. The engine that computes its
    vectors is chosen and loaded when the first text is encoded, so that commands that encode nothing start at once.
    """

    def __init__(self, name: str, folder: ModelFolder, wish: Wish = Wish()) -> None:  # noqa: B008 - it is frozen
        """Wrap the model in a folder; nothing is read yet.

        Args:
            name: the name that the user gave.
            folder: where the model is.
            wish: the engine, precision and device asked for; the best ones for whatever is not named.
        """
        self.name = name
        self.folder = folder
        self.wish = wish

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
            pooling=json.dumps(self.folder.pooling, sort_keys=True),
            prompts=tuple(sorted(self._prompts.items())),
            max_tokens=self.max_tokens,
            precision="int8" if self.wish.precision == "int8" else "",
            settings=self.folder.settings(),
        )

    @cached_property
    def dimension(self) -> int:
        """The length of its vectors; loads the model if it has more than transformer, pooling and normalisation."""
        pooling = self.folder.pooling
        size = pooling.get("embedding_dimension", pooling.get("word_embedding_dimension"))
        if self.folder.kinds not in PLAIN or not isinstance(size, int):
            return int(self._original.model.get_embedding_dimension() or 0)
        whole = size * len(pooling_mode(pooling).split("+"))
        cut = read_settings(self.folder.path / "config_sentence_transformers.json").get("truncate_dim")
        return min(whole, cut) if isinstance(cut, int) else whole

    @cached_property
    def max_tokens(self) -> int | None:
        """The most tokens of a text that it reads, without special tokens and the document prompt."""
        limit = self._noted_limit or self._original.limit
        if limit is None:
            return None
        special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        return limit - int(special) - self._prompt_tokens

    @property
    def _noted_limit(self) -> int | None:
        """The most tokens that the transformer reads: its own note, else what the tokenizer says, within its positions.

        None where the files do not say it as clearly.
        """
        if self.folder.kinds[:1] != ["Transformer"]:
            return None
        folder, positions = self.folder.transformer, self.folder.positions
        for file in sorted(folder.glob("sentence_*_config.json")):
            if isinstance(limit := read_settings(file).get("max_seq_length"), int):
                return min(limit, positions or limit)
        limit = read_settings(folder / "tokenizer_config.json").get("model_max_length")
        return min(limit, positions) if isinstance(limit, int) and limit > 0 and positions else None

    def count_tokens(self, texts: Iterable[str]) -> list[int]:
        """Return the number of tokens of each text, without special tokens."""
        wanted = require_texts("a text", texts, error=EncoderError)
        encodings = self._tokenizer.encode_batch_fast(wanted, add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def is_unknown(self, text: str) -> bool:
        """Return whether a text, as `letters.sample` gives it, is in letters of which the model knows hardly any words.

        This applies to vocabularies of words and their pieces, as BERT has, in which single letters mean little. Models
        that read bytes make sense of them.
        """
        model = self._tokenizer.model
        if type(model).__name__ != "WordPiece":
            return False
        return letters.is_unknown(text, self._tokenizer.encode(text, add_special_tokens=False), model.unk_token)

    def encode(self, texts: Iterable[str]) -> Vectors:
        """Return the unit vectors of documents, float32 of shape (len(texts), dimension); a single text counts as one.

        Raises:
            EncoderError: one of *texts* is not a text.
        """
        return self._encode(require_texts("a text", texts, error=EncoderError), "document")

    def encode_queries(self, texts: Iterable[str]) -> Vectors:
        """Return the unit vectors of queries; as `encode`."""
        return self._encode(require_texts("a query", texts, error=EncoderError), "query")

    def encode_parts(self, texts: Iterable[str]) -> Iterator[tuple[list[int], Vectors]]:
        """Yield unit vectors of documents as they are done, with the places of their texts; each place once."""
        wanted = require_texts("a text", texts, error=EncoderError)
        if self._server and len(wanted) <= FEW:
            yield list(range(len(wanted))), self._encode(wanted, "document")
            return
        for places, vectors in self._model.encode_parts(wanted):
            yield places.tolist(), vectors

    def _encode(self, texts: Sequence[str], role: str) -> Vectors:
        """Have a server that has the same model loaded encode a few texts; load it here for more."""
        if (server := self._server) and len(texts) <= FEW:
            try:
                return server.encode(texts, role)
            except EncoderError as error:
                _log.warning("%s; the model is loaded here", error)
                self._warm = None
        return self._model.encode(texts, role)

    @property
    def _model(self) -> CompiledModel | TorchModel:
        return self._loaded[1]

    @property
    def _loaded(self) -> tuple[Choice, CompiledModel | TorchModel]:
        require_unforked()
        return self._engine

    def __getstate__(self) -> dict[str, Any]:
        """What is copied, or sent to another process: who it is. There the model is loaded anew."""
        return {"name": self.name, "folder": self.folder, "wish": self.wish}

    @property
    def is_loaded(self) -> bool:
        """Whether the model is loaded in this process."""
        return "_engine" in self.__dict__

    @property
    def _server(self) -> WarmModel | None:
        """The server that few texts are left to; none once the model is loaded here."""
        return None if self.is_loaded else self._warm

    @cached_property
    def _warm(self) -> WarmModel | None:
        """The same model in a server of this user; none where the user has said how it is to be run.

        That it is int8 says what it is, and not how it is to be run.
        """
        return find(self.identity.key) if self.wish in (Wish(), Wish(precision="int8")) else None

    def load(self) -> str:
        """Load what computes its vectors now, and return what that is, such as ``openvino bf16``."""
        return str(self._loaded[0])

    @property
    def engine(self) -> str:
        """What computes its vectors, such as ``openvino bf16``; loads it unless a server has it loaded."""
        return self._server.engine if self._server else self.load()

    def describe(self) -> dict[str, Any]:
        """Return what would run it and why, without loading it, as a dict of JSON values for people."""
        choice = choose(self.folder, self.wish)
        described: dict[str, Any] = {
            "encoder": self.name,
            "found": f"{self.folder.place}: {self.folder.path}",
            "weights": self.folder.sha256(),
        }
        if server := self._server:
            described |= {"server": f"{server.url} ({server.engine}), for up to {FEW} texts at once"}
        described |= {
            "engine": choice.engine,
            "precision": choice.precision,
            "device": choice.device or "the best that torch finds",
            "why": choice.why,
        }
        if choice.engine == "openvino":
            described |= held(compiled_folder(self.folder, choice.precision))
        return described

    @cached_property
    def _engine(self) -> tuple[Choice, CompiledModel | TorchModel]:
        """What runs it, loaded. What OpenVINO turns out unable to do falls to torch, with a note."""
        while (choice := choose(self.folder, self.wish)).engine == "openvino":
            try:
                if not is_tried(entry := compiled_folder(self.folder, choice.precision)):
                    require_writable(entry.parent)
                    _log.warning("Compiling %s in %s for this machine, once…", self.name, choice.precision)
                return choice, compiled(self.folder, choice, self._original)
            except OSError as error:
                reason = unwritable(error)
            except EncoderError as error:
                reason = str(error)
                if refused(self.folder, choice.precision):
                    _log.warning("%s: %s", self.name, reason)
                    continue  # the choice is another one now
            if self.wish.needs_openvino:
                raise EncoderError(f"{self.name} cannot be compiled: {reason}")
            _log.warning("%s: %s; torch is used", self.name, reason)
            choice = Choice("torch", self.wish.precision or "f32", self.wish.device, reason)
            break
        return choice, self._torch(choice)

    def _torch(self, choice: Choice) -> TorchModel:
        device = choice.device or best_device()
        if (device, choice.precision) == (self._original.device, self._original.precision):
            return self._original  # which may be loaded already
        return TorchModel(self.folder, device=device, precision=choice.precision, count=self.count_tokens)

    @cached_property
    def _original(self) -> TorchModel:
        """The model as sentence-transformers runs it on the processor: what a compiled one is compared with."""
        return TorchModel(self.folder, count=self.count_tokens)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        files = [self.folder.path / "tokenizer.json", *sorted(self.folder.path.glob("*/tokenizer.json"))]
        if file := next((file for file in files if file.is_file()), None):
            tokenizer = Tokenizer.from_file(str(file))
        else:
            backend = getattr(self._original.model.tokenizer, "backend_tokenizer", None)
            if not isinstance(backend, Tokenizer):
                raise EncoderError(
                    f"the model in {self.folder.path} has no tokenizer.json; save it again with a fast tokenizer"
                )
            tokenizer = Tokenizer.from_str(backend.to_str())
        # The file may carry a shorter limit of its own (128 in all-MiniLM-L6-v2), which would hide the length.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _prompts(self) -> dict[str, str]:
        prompts = read_settings(self.folder.path / "config_sentence_transformers.json").get("prompts") or {}
        return {str(role): str(prompt) for role, prompt in prompts.items() if prompt}

    @property
    def _prompt_tokens(self) -> int:
        return max(self.count_tokens([self._prompts.get(role, "") for role in ("query", "document")]))
