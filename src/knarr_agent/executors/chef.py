"""Scripts of type Chef: one recipe of the downloaded cookbooks is run on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from knarr_agent import process
from knarr_agent.errors import ScriptError
from knarr_agent.executors.tools import Tool
from knarr_agent.results import to_json


class Chef(Tool):
    """`chef-solo` with a run list of the one recipe; the attributes stand under the cookbook's name."""

    def apply(self, folder: Path, attributes: dict[str, Any]) -> process.Completed:
        program = self.program("chef-solo", "Chef")
        cookbooks = self._vendored(folder) if self.option("useBerkshelf", False) else folder
        node: dict[str, Any] = {"run_list": [f"recipe[{self.module}::{self.recipe or 'default'}]"]}
        if attributes:
            node[self.module] = to_json(attributes)
        (folder / "node.json").write_text(json.dumps(node))
        solo = folder / "solo.rb"
        if not solo.exists():  # the plan may bring one
            solo.write_text(f'cookbook_path "{cookbooks}"\n')
        return self.execute([program, "-j", "node.json", "-c", str(solo)], folder)

    def _vendored(self, folder: Path) -> Path:
        """The folder with the cookbook and all that its Berksfile asks for."""
        named = self.script.options.get("berksfilePath") or f"{self.module}/Berksfile"
        berksfile = folder / named
        if not berksfile.is_file():
            raise ScriptError(0, f"Script {self.script.name}: there is no Berksfile at {named}")
        cookbooks = folder / "berks-cookbooks"
        if cookbooks.is_dir():  # by an earlier call
            return cookbooks
        program = self.program("berks", "Berkshelf")
        done = self.execute([program, "vendor", f"--berksfile={berksfile}", str(cookbooks)], folder)
        self.must_succeed(done, "Berkshelf")
        return cookbooks
