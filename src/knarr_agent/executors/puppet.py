"""Scripts of type Puppet: one class of the downloaded modules is applied to this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from knarr_agent import process
from knarr_agent.executors.tools import Tool
from knarr_agent.results import to_json


class Puppet(Tool):
    """`puppet apply` of a manifest that holds the class; the attributes are its parameters, by Hiera."""

    def apply(self, folder: Path, attributes: dict[str, Any]) -> process.Completed:
        program = self.program("puppet", "Puppet")
        name = self._class_name()
        (folder / "manifest.pp").write_text(f"node default {{\n  class {{ '{name}': }}\n}}\n")
        data = {f"{name}::{key}": value for key, value in to_json(attributes).items()}
        (folder / "default.yaml").write_text(yaml.safe_dump(data, default_flow_style=False))
        (folder / "hiera.yaml").write_text(yaml.safe_dump(_hiera(folder), default_flow_style=False))
        return self.execute(
            [program, "apply", "--hiera_config=hiera.yaml", "--modulepath", str(folder), "manifest.pp"],
            folder,
        )

    def _class_name(self) -> str:
        """`module::recipe`; nothing or `init` after the colons is the class of the module itself."""
        return self.module if self.recipe in ("", "init") else f"{self.module}::{self.recipe}"


def _hiera(folder: Path) -> dict[str, Any]:
    return {
        "version": 5,
        "defaults": {"datadir": str(folder), "data_hash": "yaml_data"},
        "hierarchy": [{"name": "Attributes of the plan", "path": "default.yaml"}],
    }
