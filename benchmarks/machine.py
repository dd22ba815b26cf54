"""On what, and with which versions, it was measured."""

import os
import platform
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from .systems import System

_TOLD = (
    "ai-edge-litert",
    "fastapi",
    "httptools",
    "litserve",
    "muffin-v-chihuahua-ml-service",
    "numpy",
    "onnxruntime",
    "openvino",
    "pillow",
    "uvicorn",
    "uvloop",
)
"""What a system's speed may come from."""


class Machine(BaseModel):
    """The machine, the loop of the load's generator, and the versions in each system's environment."""

    model_config = ConfigDict(frozen=True)

    processor: str
    cores: int
    memory_gb: int
    system: str
    generator: str
    pictures: str
    versions: dict[str, dict[str, str]]

    @classmethod
    def here(cls, systems: list[System], pictures: str) -> "Machine":
        """This one."""
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return cls(
            processor=_processor(Path("/proc/cpuinfo").read_text()),
            cores=len(os.sched_getaffinity(0)),
            memory_gb=round(pages / 1e9),
            system=f"{platform.system()}, Python {platform.python_version()}",
            generator="uvloop" if find_spec("uvloop") else "asyncio",
            pictures=pictures,
            versions={system.name: _versions(system.environment) for system in systems},
        )


def _processor(cpuinfo: str) -> str:
    names = (line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name"))
    return next(names, platform.machine())


def _versions(environment: Path) -> dict[str, str]:
    found = distributions(path=[str(folder) for folder in environment.glob("lib/python*/site-packages")])
    versions = {each.metadata["Name"].lower().replace("_", "-"): each.version for each in found}
    return {name: versions[name] for name in _TOLD if name in versions}
