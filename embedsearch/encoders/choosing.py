"""Which engine runs a model, in which precision, on which device, and why."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from embedsearch.encoders.cache import CACHE_VARIABLE, DAY, bytes_held, cache_folder, idle, make_once, note_use, prune
from embedsearch.encoders.compiled import CompiledModel, Manifest
from embedsearch.encoders.weights import ModelFolder, read_settings
from embedsearch.errors import EncoderError, did_you_mean

_log = logging.getLogger("embedsearch")

ENGINES = ("openvino", "torch")
PRECISIONS = ("bf16", "f32", "int8")
PLAIN = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])  # kinds of modules
_MODEL_TYPES = ("bert", "roberta", "xlm-roberta", "mpnet", "distilbert")
_POOLING_MODES = ("mean", "cls", "max")
_FORMAT = 3  # of what lies in a folder of a compiled model; part of its key
_INT8_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})  # held to AVX2, int8 was slower than f32
_LIBRARIES = ("openvino", "sentence-transformers", "transformers")
_ENOUGH_FAILURES = 3  # a model that cannot be traced is tried no more often at each start
_EXTRA = 'pip install "embedsearch[fast]"'


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for; None leaves it to `choose`.

    Attributes:
        engine: ``openvino`` or ``torch``.
        precision: ``bf16`` or ``f32``; or ``int8``, whose vectors differ.
        device: a torch device such as ``cpu`` or ``cuda``.
    """

    engine: str | None = None
    precision: str | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        """Refuse names that nothing answers to."""
        for what, given, known in (("engine", self.engine, ENGINES), ("precision", self.precision, PRECISIONS)):
            if given is not None and given not in known:
                raise EncoderError(f"there is no {what} {given!r}.{did_you_mean(given, known)}")

    @property
    def needs_openvino(self) -> bool:
        """Whether torch would not do."""
        return self.engine == "openvino" or self.precision == "int8"


@dataclass(frozen=True, slots=True)
class Choice:
    """What runs a model.

    Attributes:
        engine: ``openvino`` or ``torch``.
        precision: ``bf16``, ``f32`` or ``int8``.
        device: a torch device; if None, the best one there is.
        why: the reason, as one clause for people.
    """

    engine: str
    precision: str
    device: str | None
    why: str

    def __str__(self) -> str:
        return f"{self.engine} {self.precision}"


def choose(folder: ModelFolder, wish: Wish) -> Choice:
    """Return the best way to run the model in *folder* that the user's wish and this machine allow.

    Raises:
        EncoderError: OpenVINO, or what only OpenVINO computes, was asked for and cannot run the model.
    """
    if wish.engine == "torch":
        if wish.precision == "int8":
            raise EncoderError("torch computes in bf16 and f32 here; for int8 leave --engine torch out")
        return Choice("torch", wish.precision or "f32", wish.device, "torch was asked for")
    obstacle = _obstacle(folder, wish)
    if not obstacle:
        for precision in _precisions(wish):
            entry = compiled_folder(folder, precision)
            obstacle = _refusal(entry)
            if not obstacle:
                return Choice("openvino", precision, "cpu", _reason(wish, precision))
    if wish.needs_openvino:
        asked = "--engine" if wish.engine else "--precision int8"
        raise EncoderError(f"OpenVINO cannot run the model in {folder.path}: {obstacle}. Leave {asked} out")
    return Choice("torch", wish.precision or "f32", wish.device, obstacle)


def compiled(folder: ModelFolder, choice: Choice, original: Any) -> CompiledModel:
    """Return the compiled model of a choice, made now if the cache does not hold it, checked by its probe.

    Args:
        folder: of the model.
        choice: with the engine ``openvino``.
        original: a `TorchModel` in float32 on the processor; loaded only if there is something to compile.

    Raises:
        EncoderError: it was refused at conversion, or cannot be used.
        OSError: it is not in the cache and the cache cannot be written.
    """
    entry = compiled_folder(folder, choice.precision)
    if not is_tried(entry):
        _make(entry, choice.precision, original)
    if reason := _manifest(entry).refused:
        raise EncoderError(reason)
    try:
        return _checked(entry)
    except (EncoderError, OSError) as error:
        _log.warning("%s; it is made again", error)
        _make(entry, choice.precision, original, is_there=True)
    return _checked(entry)


def _make(entry: Path, precision: str, original: Any, *, is_there: bool = False) -> None:
    """Compile a model into the cache; one that is there stays, if this one is refused."""
    from embedsearch.encoders.conversion import convert

    def make(part: Path) -> None:
        convert(original, part, precision, _manifest(entry).failures)
        if is_there and (reason := Manifest.read(part).refused):
            raise EncoderError(reason)

    make_once(entry, make, anew=is_there or bool(_manifest(entry).failures))
    prune(entry.parent)


def _checked(entry: Path) -> CompiledModel:
    """Return a compiled model of the cache, checked by its probe."""
    model = CompiledModel(entry)
    model.check()
    note_use(entry)
    return model


def compiled_folder(folder: ModelFolder, precision: str) -> Path:
    """Return where the compiled model lies; another one for other weights, settings, libraries or processors."""
    decisive = {
        "format": _FORMAT,
        "weights": folder.sha256(),
        "settings": folder.settings(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "processor": [platform.machine(), sorted(_processor_flags())],
        "precision": precision,
    }
    return cache_folder() / "compiled" / _hash(json.dumps(decisive, sort_keys=True).encode())


def refused(folder: ModelFolder, precision: str) -> bool:
    """Return whether compiling the model in this precision was tried before and given up for good."""
    return bool(_refusal(compiled_folder(folder, precision)))


def is_tried(entry: Path) -> bool:
    """Return whether the model was compiled, or given up, so that it is not tried now.

    What failed may succeed the next time: it is tried in three processes, and after that once a day.
    """
    failures = _manifest(entry).failures
    return entry.is_dir() and (not failures or (failures >= _ENOUGH_FAILURES and idle(entry) < DAY))


def held(entry: Path) -> dict[str, Any]:
    """Return what the cache holds of a compiled model, and of others: JSON values for people."""
    found: dict[str, Any] = {"compiled": "not yet; will be at the first text"}
    manifest = _manifest(entry)
    if manifest.refused:
        found = {
            "compiled": f"not yet; will be tried again at the next text, after a first failure: {manifest.refused}"
        }
    elif manifest.dimension:
        lowest, mean = round(manifest.lowest, 6), round(manifest.mean, 6)
        found = {"compiled": str(entry), "lowest cosine": lowest, "mean cosine": mean}
    return found | {"cache": str(cache_folder()), "cache size": f"{bytes_held(cache_folder()) / 1e6:,.1f} MB"}


def unwritable(error: OSError) -> str:
    """Return why a model cannot be compiled, with the remedy."""
    return (
        f"the cache {cache_folder()} cannot be written ({error.strerror or error}), so no compiled model can be "
        f"kept there; set {CACHE_VARIABLE} to a folder that can"
    )


def _obstacle(folder: ModelFolder, wish: Wish) -> str:
    """Return why OpenVINO does not run a model, whatever the precision; empty if it does."""
    if wish.device not in (None, "cpu"):
        return f"the device {wish.device} was asked for"
    if importlib.util.find_spec("openvino") is None:
        return f"OpenVINO is not installed ({_EXTRA})"
    if wish.device is None and not wish.needs_openvino and (accelerator := _accelerator()):
        return f"this machine has {accelerator}"
    if wish.precision == "bf16" and _best_precision() != "bf16":
        return "this processor has no instructions for bf16"
    return _unsupported(folder)


def _unsupported(folder: ModelFolder) -> str:
    """Return what in a model's folder is beyond a transformer, pooling and normalisation of the kinds we compile."""
    if folder.kinds not in PLAIN:
        listed = ", ".join(folder.kinds) or "not listed"
        return f"its modules are {listed}; compiled are transformer, pooling, normalisation"
    config = read_settings(folder.transformer / "config.json")
    if config.get("model_type") not in _MODEL_TYPES:
        return f"its type is {config.get('model_type')!r}; compiled are {', '.join(_MODEL_TYPES)}"
    if (mode := pooling_mode(folder.pooling)) not in _POOLING_MODES:
        return f"its pooling is {mode}; compiled are {', '.join(_POOLING_MODES)}"
    if not folder.pooling.get("include_prompt", True):
        return "its pooling leaves the prompt out"
    if cut := read_settings(folder.path / "config_sentence_transformers.json").get("truncate_dim"):
        return f"its vectors are cut to {cut} dimensions"
    return ""


def pooling_mode(config: Mapping[str, Any]) -> str:
    """Return the names of the pooling modes in a pooling configuration, in the older and the newer form."""
    given = config.get("pooling_mode")
    if given:
        return given if isinstance(given, str) else "+".join(given)
    names = {name.removeprefix("pooling_mode_").removesuffix("_token").removesuffix("_tokens"): on
             for name, on in config.items() if name.startswith("pooling_mode_")}  # fmt: skip
    return "+".join(name for name, on in names.items() if on) or "mean"


def _precisions(wish: Wish) -> tuple[str, ...]:
    if wish.precision:
        return (wish.precision,)
    return ("bf16", "f32") if _best_precision() == "bf16" else ("f32",)


def _reason(wish: Wish, precision: str) -> str:
    if wish.precision == "int8" and "avx2" in _processor_flags() and not _processor_flags() & _INT8_FLAGS:
        return "int8 was asked for, but this processor has no instructions for it and is faster in f32"
    if wish.precision:
        return f"{precision} was asked for"
    if precision == "bf16":
        return "OpenVINO is installed and the processor computes in bf16"
    if _best_precision() == "bf16":
        return "OpenVINO is installed; bf16 was refused for this model"
    return "OpenVINO is installed; the processor has no instructions for bf16"


def _refusal(entry: Path) -> str:
    return _manifest(entry).refused if is_tried(entry) else ""


def _manifest(entry: Path) -> Manifest:
    """Return what an entry of the cache says of itself; nothing where that is not there, or cannot be read."""
    try:
        return Manifest.read(entry)
    except EncoderError:
        return Manifest()


def _best_precision() -> str:
    # Measured: on AMX 2.7 and on AVX512-BF16 (Zen 4) 2.6 times as fast as f32; emulated elsewhere, and slower.
    return "bf16" if _processor_flags() & {"amx_bf16", "avx512_bf16"} else "f32"


@lru_cache(maxsize=1)
def _processor_flags() -> frozenset[str]:
    """Return what the processor can do, in the words of Linux; nothing on other systems."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            line = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        return frozenset()
    return frozenset(line.partition(":")[2].split())


def _accelerator() -> str:
    """Return the GPU that torch would use, found without loading torch; empty if there is none."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "a GPU (Apple)"
    spec = importlib.util.find_spec("torch")
    for location in (spec.submodule_search_locations or []) if spec else []:
        version = Path(location) / "version.py"
        built_for_gpu = version.is_file() and "cuda: Optional[str] = None" not in version.read_text("utf-8")
        if built_for_gpu and any(Path("/proc/driver/nvidia/gpus").glob("*")):
            return "a GPU (CUDA)"
    return ""


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""


def _hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
