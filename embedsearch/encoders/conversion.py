"""A sentence-transformers model to a compiled one: traced, compared with the original, and only then kept.

OpenVINO's own `convert_model` reports its use over the network unless the user has refused; its frontend, used
here, does the same work and reports nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embedsearch.encoders.compiled import (
    BLOB,
    LEAST_COSINE,
    LEAST_INT8_COSINE,
    TOKENIZER,
    CompiledModel,
    Manifest,
    content_digest,
    openvino,
    settings,
)
from embedsearch.encoders.graphs import quicken
from embedsearch.encoders.pytorch import TorchModel, quiet
from embedsearch.encoders.quantizing import quantize
from embedsearch.errors import EncoderError, first_line
from embedsearch.vectors import unit

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_SENTENCE = "The pike hangs motionless among the reeds; whatever passes is measured, 3 times out of 4, by its hunger."
_VARIED = [
    "wolf",
    "a",
    "?!",
    "WOLVES   HUNT\tin\npacks.  ",
    "ﬁnancial predators charge 340 % a year – “what the market bears”.",
    "Der Hecht lauert im Schilf.",
    "狼が羊を追う。",
    "Волки охотятся стаями",
    "🦈🐟 e\u0301toile naïve co\u00adoperate",
    "https://example.org/a?b=c&d=1 def f(x): return x**2",
    "0.5 1e-9 12:30 2024-02-29 $1,000,000",
    "supercalifragilisticexpialidocious" * 3,
    *(" ".join(_SENTENCE.split()[:count]) for count in (2, 5, 9, 14)),
    *(" ".join([_SENTENCE] * count) for count in (1, 2, 3, 5, 8, 13, 40)),
]

_CHANCE_LENGTHS = [8, 32, 100] * 20


def convert(original: TorchModel, folder: Path, precision: str, failures: int = 0) -> None:
    """Compile the model that sentence-transformers loads and write it to *folder*.

    A model that cannot be traced, or whose vectors differ from the original's, leaves a manifest that says why
    it was refused.

    Args:
        original: loaded in float32 on the processor.
        folder: empty.
        precision: ``bf16``, ``f32`` or ``int8``.
        failures: how often in a row this has failed before.

    Raises:
        EncoderError: the original cannot be loaded, which is nothing to be remembered of compiling.
    """
    _ = original.model
    manifest = _tried(original, folder, precision, quick=precision != "int8")
    if manifest.refused and precision != "int8":  # the changed graph rounds elsewhere, or cannot be had
        manifest = _tried(original, folder, precision, quick=False)
    if manifest.refused:
        for name in (BLOB, TOKENIZER):
            (folder / name).unlink(missing_ok=True)
        manifest = replace(manifest, failures=manifest.failures and failures + 1)
    manifest.write(folder)


def _tried(original: TorchModel, folder: Path, precision: str, *, quick: bool) -> Manifest:
    """Do as `_compiled` does, and refuse what cannot be traced or compiled."""
    try:
        return _compiled(original, folder, precision, quick=quick)
    except (EncoderError, RuntimeError, TypeError, ValueError, AttributeError, KeyError, IndexError) as error:
        reason = f"it could not be compiled: {type(error).__name__}: {first_line(error)[:200]}"
        return Manifest(refused=reason, failures=1)


def _compiled(original: TorchModel, folder: Path, precision: str, *, quick: bool) -> Manifest:
    """Write graph and tokenizer to *folder*; return what is known of them, or why they are refused."""
    model = original.model
    inputs = _write_graph(model, folder / BLOB, precision, quick=quick)
    _write_tokenizer(model, folder / TOKENIZER)
    facts: dict[str, Any] = {
        "precision": precision,
        "dimension": int(model.get_embedding_dimension() or 0),
        "max_tokens": original.limit or 0,
        "filler": int(model.tokenizer.pad_token_id or 0),
        "inputs": inputs,
        "prompts": {"query": _prompt(model, ["query"]), "document": _prompt(model, ["document", "passage", "corpus"])},
        "sha256": content_digest(folder),
    }
    compiled = CompiledModel(folder, Manifest(**facts))
    lowest, mean = _compare(compiled, original)
    least = LEAST_INT8_COSINE if precision == "int8" else LEAST_COSINE
    if not lowest >= least:
        return Manifest(
            refused=f"compiled in {precision} its vectors differ from those of sentence-transformers: "
            f"lowest cosine {lowest:.5f}, wanted {least}"
        )
    return Manifest(**facts, lowest=lowest, mean=mean, probe=compiled.probe())


def _compare(compiled: CompiledModel, original: TorchModel) -> tuple[float, float]:
    """Return the lowest and the mean cosine between the vectors of two engines, over varied texts in both roles."""
    cosines = []
    for role in ("query", "document"):
        first, second = (unit(model.encode(_VARIED, role), error=EncoderError) for model in (compiled, original))
        cosines.append(np.einsum("ij,ij->i", first.astype(np.float64), second.astype(np.float64)))
    together = np.concatenate(cosines)
    return float(together.min()), float(together.mean())


def _write_graph(model: SentenceTransformer, file: Path, precision: str, *, quick: bool) -> list[str]:
    """Trace the model, compile it, changed if *quick*, write the result; return the names of its inputs."""
    library = openvino()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    example = _example(model)
    # The tracer warns of Python values that it takes for constants; the comparison shows whether it was right.
    with quiet(), _plain_attention(model):
        decoder = TorchScriptPythonDecoder(_wrapped(model, list(example)), example_input=example)
        frontend = FrontEndManager().load_by_framework("pytorch")
        graph = frontend.convert(frontend.load(decoder))
    if quick:
        quicken(graph)
    if precision == "bf16":
        # Weights in 16 bits have all that bf16 can use, and load in half the time; only saving makes them so.
        smaller = file.with_suffix(".xml")
        library.save_model(graph, smaller, compress_to_fp16=True)
        graph = library.Core().read_model(smaller)
    elif precision == "int8":
        quantize(graph, _seen(model, list(example)))
    file.write_bytes(library.Core().compile_model(graph, "CPU", settings(precision)).export_model().getvalue())
    for left in (file.with_suffix(".xml"), file.with_suffix(".bin")):
        left.unlink(missing_ok=True)
    return list(example)


@contextmanager
def _plain_attention(model: SentenceTransformer) -> Iterator[None]:
    """Have attention written out as products and a softmax: OpenVINO puts the scale of these into a linear layer."""
    transformer = model[0].auto_model
    if not hasattr(transformer, "set_attn_implementation"):  # before transformers 4.52
        yield
        return
    before = transformer.config._attn_implementation
    transformer.set_attn_implementation("eager")
    try:
        yield
    finally:
        transformer.set_attn_implementation(before)


def _example(model: SentenceTransformer) -> dict[str, Any]:
    """Return two texts of different length as the model takes them."""
    import torch

    features = model.tokenizer([_SENTENCE, "a wolf"], padding=True, return_tensors="pt")
    names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in features]
    return {name: features[name].to(torch.int64) for name in names}


def _seen(model: SentenceTransformer, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the inputs that eight bits are laid out for: the varied texts, and words of the vocabulary by chance."""
    tokenizer, chance = model.tokenizer, np.random.default_rng(0)
    words = [tokenizer.decode(chance.integers(0, len(tokenizer), length).tolist()) for length in _CHANCE_LENGTHS]
    for text in [*_VARIED, *words]:
        given = tokenizer([text], truncation=True, max_length=model.max_seq_length, return_tensors="np")
        yield {name: np.asarray(given[name], dtype=np.int64) for name in names}


def _wrapped(model: SentenceTransformer, names: Sequence[str]) -> Any:
    """Return transformer and pooling as one torch module that takes tokens and gives unit vectors."""
    import torch

    class Whole(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.transformer = model[0].auto_model
            self.pooling = model[1]

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any = None) -> Any:
            given = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
            states = self.transformer(**{name: given[name] for name in names}, return_dict=True).last_hidden_state
            pooled = self.pooling({"token_embeddings": states, "attention_mask": attention_mask})["sentence_embedding"]
            return torch.nn.functional.normalize(pooled.float(), p=2, dim=1)

    return Whole().eval()


def _write_tokenizer(model: SentenceTransformer, file: Path) -> None:
    """Write the tokenizer as the model uses it, which may differ from the file in the model's folder."""
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise EncoderError("it has no fast tokenizer")
    file.write_text(backend.to_str(), "utf-8")


def _prompt(model: SentenceTransformer, roles: Sequence[str]) -> str:
    """Return the prompt that sentence-transformers puts before a text: that of the first role it knows."""
    prompts = getattr(model, "prompts", None) or {}
    return next((str(prompts[role] or "") for role in roles if role in prompts), "")
