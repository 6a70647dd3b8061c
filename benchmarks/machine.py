"""What figures were taken on."""

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

_WANTED = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
_HALF = ("avx512_bf16", "amx_bf16")
_LIBRARIES = ("torch", "sentence-transformers", "openvino", "numpy")


def machine() -> dict[str, Any]:
    """Return the processor, its instructions, cores and load, and the versions of what figures depend on."""
    from embedsearch.encoders.choosing import _processor_flags

    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    told = {name.strip(): value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}
    generation = {"family": told["cpu family"], "model": told["model"]} if "cpu family" in told else {}
    return {
        "processor": told.get("model name") or platform.processor(),
        **generation,
        "instructions": [name for name in _WANTED if name in _processor_flags()],
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        "load average before and after": [round(os.getloadavg()[0], 1)],
    }


def kind(described: dict[str, Any]) -> str:
    """Return the processor with what it has for bf16: one of the kinds that speeds are kept by.

    Its name may hide what it is: two generations that differ by half in bf16 call themselves AMD EPYC.
    """
    half = [name for name in described["instructions"] if name in _HALF]
    generation = f" (family {described['family']}, model {described['model']})" if "family" in described else ""
    return f"{described['processor']}{generation} with {' and '.join(half) or 'no bf16'}"


def keep(file: Path, result: dict[str, Any]) -> None:
    """Write a result, with its ``machine``, into a file of results beside those of other kinds of processor."""
    kept = json.loads(file.read_text("utf-8")) if file.exists() else {}
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(kept | {kind(result["machine"]): result}, indent=2) + "\n", "utf-8")
