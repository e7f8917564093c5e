"""Puts the files of a plan where its scripts find them.

<work>/<script>/<Name>      what a script sees: links, so that a file is kept once
<work>/.content/<number>    a file's content, or the folder into which it was downloaded
"""

from __future__ import annotations

import shutil
from pathlib import Path

from knarr_agent.download import Downloader
from knarr_agent.errors import MalformedPlan
from knarr_agent.plan import Plan, PlanFile, PlanScript


class Workspace:
    """The folder of one run of a plan."""

    def __init__(self, folder: Path, plan: Plan, downloader: Downloader) -> None:
        self.folder = folder
        self._plan = plan
        self._downloader = downloader
        self._content: dict[str, Path] = {}

    def __enter__(self) -> Workspace:
        shutil.rmtree(self.folder, ignore_errors=True)  # of an interrupted run
        (self.folder / ".content").mkdir(parents=True, mode=0o700)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def script_folder(self, script: PlanScript) -> Path:
        """The script's folder, with its files in it. Raises AgentError for a failed download."""
        for ident in script.files:
            self.place(ident, script)
        folder = self.folder / script.name
        folder.mkdir(exist_ok=True)
        return folder

    def place(self, ident: str, script: PlanScript) -> Path:
        """The path of one file in the script's folder."""
        file = self._plan.files[ident]
        root = self.folder / script.name
        path = root / file.name
        content = self._fetched(file)
        if path.is_symlink() and path.readlink() == content:
            return path
        self._check_parents(root, path, file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(content)
        except (FileExistsError, NotADirectoryError) as error:
            raise MalformedPlan(
                f"{file.name!r} is also the name of another file of script {script.name}",
                f"Files/{ident}/Name",
            ) from error
        return path

    def _fetched(self, file: PlanFile) -> Path:
        found = self._content.get(file.id)
        if found is None:
            found = self.folder / ".content" / str(len(self._content))
            if file.content is None:
                found.mkdir(mode=0o700)
                self._downloader.fetch(file, found)
            else:
                found.write_bytes(file.content)
                found.chmod(0o700)
            self._content[file.id] = found
        return found

    @staticmethod
    def _check_parents(root: Path, path: Path, file: PlanFile) -> None:
        """A file must not be put through a link, neither one of ours nor one that a download brought."""
        for parent in path.relative_to(root).parents:
            if (root / parent).is_symlink():
                raise MalformedPlan(
                    f"{file.name!r} lies inside {str(parent)!r}, which is another file",
                    f"Files/{file.id}/Name",
                )
