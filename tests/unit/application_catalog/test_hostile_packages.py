"""Archives and folders that are out for something else than being packages: each is refused, with why."""

from __future__ import annotations

import io
import os
import socket
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from knarr.services.application_catalog.packages.check import check
from knarr.services.application_catalog.packages.faults import Limits, PackageFault
from knarr.services.application_catalog.packages.files import open_package
from knarr.services.application_catalog.packages.package import ApplicationPackage

MANIFEST = b"FullName: a.B\n"


def _zip(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as made:
        made.writestr("manifest.yaml", MANIFEST)
        for name, data in entries:
            made.writestr(name, data)
    return stream.getvalue()


def _as(kind: int, name: str = "Resources/x") -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (kind | 0o777) << 16
    return entry


def _changed(data: bytes, find: bytes, put: bytes, count: int = -1) -> bytes:
    assert find in data
    assert len(find) == len(put)
    return data.replace(find, put, count)


def _flags(data: bytes, bit: int) -> bytes:
    """The archive with a bit set in the general flags of its last entry."""
    made = bytearray(data)
    made[data.rindex(b"PK\x01\x02") + 8] |= bit
    return bytes(made)


def _central(data: bytes, offset: int, form: str, value: int) -> bytes:
    """The archive with a number changed in the directory's record of its last entry."""
    made = bytearray(data)
    struct.pack_into(form, made, data.rindex(b"PK\x01\x02") + offset, value)
    return bytes(made)


def _with_crc(data: bytes, content: bytes) -> bytes:
    wrong = struct.pack("<I", zlib.crc32(content) ^ 1)
    return _changed(data, struct.pack("<I", zlib.crc32(content)), wrong)


TEXT = b"some text that is stored in the archive"
STORED = _zip(("Resources/x", TEXT), method=zipfile.ZIP_STORED)

ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "a path upwards": (lambda: _zip(("../x", b"")), "'../x' is not allowed"),
    "a path upwards within": (lambda: _zip(("Classes/../../x", b"")), "must lead inside of the package"),
    "an absolute path": (lambda: _zip(("/etc/passwd", b"")), "'/etc/passwd' is not allowed"),
    "a path of another system": (lambda: _changed(_zip(("a/b", b"")), b"a/b", b"a\\b"), "is not allowed"),
    "a drive": (lambda: _zip(("C:x", b"")), "'C:x' is not allowed"),
    "no name at all": (lambda: _changed(_zip(("ab", b"")), b"ab", b"./"), "'./' is not allowed"),
    "the root": (lambda: _changed(_zip(("ab", b"")), b"ab", b"//"), "'//' is not allowed"),
    "a name with a line's end": (lambda: _zip(("Classes/a\nb", b"")), "is not allowed"),
    "a long name": (lambda: _zip(("Classes/" + "a" * 300, b"")), "is not allowed"),
    "a folder upwards": (lambda: _zip(("../x/", b"")), "is not allowed"),
    "a link": (lambda: _zip((_as(stat.S_IFLNK), b"/etc/passwd")), "is a link or device"),
    "a device": (lambda: _zip((_as(stat.S_IFBLK), b"")), "is a link or device"),
    "a pipe": (lambda: _zip((_as(stat.S_IFIFO), b"")), "is a link or device"),
    "a link that is a folder": (lambda: _zip((_as(stat.S_IFLNK, "x/"), b"")), "something else"),
    "two files of one name": (lambda: _zip(("x", b"1"), ("./x", b"2")), "the archive has two files 'x'"),
    "two manifests": (
        lambda: _changed(_zip(("manifest.yamm", b"2")), b"manifest.yamm", b"manifest.yaml"),
        "two files 'manifest.yaml'",
    ),
    "a bomb": (lambda: _zip(("x", bytes(5_000_000))), "expands more than 200 times"),
    "many bombs": (lambda: _zip(*((f"x{n}", os.urandom(40_000)) for n in range(30))), "bytes together"),
    "a large file": (lambda: _zip(("x", os.urandom(600_000))), "has 600000 bytes; 500000 is the most"),
    "many files": (lambda: _zip(*((f"x{n}", b"") for n in range(200))), "201 entries; 100 is the most"),
    "a large archive": (lambda: os.urandom(3_000_001), "3000000"),
    "an encrypted file": (lambda: _flags(STORED, 0x1), "is encrypted"),
    "another compression": (lambda: _zip(("x", TEXT * 10), method=zipfile.ZIP_LZMA), "use deflate"),
    "an unknown compression": (lambda: _central(STORED, 10, "<H", 99), "use deflate"),
    "no archive": (lambda: b"text", "this is no zip archive"),
    "nothing": (lambda: b"", "this is no zip archive"),
    "a cut archive": (lambda: STORED[:-30], "this is no zip archive"),
}  # fmt: skip

LIMITS = Limits(archive=3_000_000, total=1_000_000, file=500_000, entries=100)


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_is_refused(name, tmp_path):
    make, told = ARCHIVES[name]
    path = tmp_path / "package.zip"
    path.write_bytes(make())
    limits = LIMITS if name != "a bomb" else Limits()
    with pytest.raises(PackageFault, match=told):
        open_package(path, limits)
    with pytest.raises(PackageFault, match=told):
        ApplicationPackage.open(path.read_bytes(), limits=limits)


READ: dict[str, tuple[Callable[[], bytes], str]] = {
    "a wrong checksum": (lambda: _with_crc(STORED, TEXT), "Bad CRC-32"),
    "a file larger than it says": (lambda: _central(STORED, 24, "<I", 5), "cannot be read|not the size"),
    "a file smaller than it says": (lambda: _central(STORED, 24, "<I", 500), "cannot be read|not the size"),
    "broken data": (
        lambda: _changed(_zip(("Resources/x", TEXT)), zlib.compress(TEXT)[2:12], b"\xff" * 10),
        "cannot be read",
    ),
    "another name inside": (lambda: _changed(STORED, b"Resources/x", b"Resources/y", 1), "cannot be read"),
    "a place outside": (lambda: _central(STORED, 42, "<I", 10_000_000), "no zip archive|cannot be read"),
}


@pytest.mark.parametrize("name", READ)
def test_a_file_that_cannot_be_read_is_told(name):
    make, told = READ[name]
    with pytest.raises(PackageFault, match=told):
        open_package(make()).read("Resources/x")


def test_a_bomb_that_hides_its_size_is_read_to_no_more_than_it_says():
    data = _central(_zip(("Resources/x", bytes(3_000_000))), 24, "<I", 1000)
    with pytest.raises(PackageFault, match=r"cannot be read|not the size"):
        open_package(data).read("Resources/x")


def test_good_archives_are_read():
    files = open_package(_zip(("Resources/", b""), ("Resources/x", TEXT)))
    assert files.names() == ("manifest.yaml", "Resources/x")
    assert files.read("Resources//x") == TEXT


@pytest.mark.parametrize("name", ["../manifest.yaml", "/etc/passwd", "Resources/../../x", "", ".", "nothing"])
def test_nothing_outside_of_the_package_is_read(name, tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "manifest.yaml").write_bytes(MANIFEST)
    (tmp_path / "manifest.yaml").write_bytes(b"secret")
    for files in (open_package(tmp_path / "package"), open_package(_zip())):
        with pytest.raises(PackageFault):
            files.read(name)


def test_resources_are_read_from_their_folder_alone():
    package = ApplicationPackage.open(_zip(("Resources/x", TEXT)))
    assert package.resource("x") == TEXT
    for name in ("../manifest.yaml", "/x", "Resources/x", ""):
        with pytest.raises(FileNotFoundError):
            package.resource(name)


# Folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Classes").mkdir()
    (tmp_path / "manifest.yaml").write_bytes(MANIFEST)
    return tmp_path


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _link_to_folder(path: Path) -> None:
    path.symlink_to("/etc")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("make", [_link, _link_to_folder, os.mkfifo, _socket])
def test_a_folder_has_plain_files_only(folder, make, monkeypatch):
    monkeypatch.chdir(folder)
    make(Path("Classes/x"))
    with pytest.raises(PackageFault, match="'Classes/x' is a link or device"):
        open_package(folder)


def test_a_file_that_becomes_a_link_is_not_followed(folder):
    files = open_package(folder)
    (folder / "manifest.yaml").unlink()
    (folder / "manifest.yaml").symlink_to("/etc/passwd")
    with pytest.raises(PackageFault, match="cannot be read"):
        files.read("manifest.yaml")
    (folder / "manifest.yaml").unlink()
    os.mkfifo(folder / "manifest.yaml")
    with pytest.raises(PackageFault, match="cannot be read: it is no plain file"):
        files.read("manifest.yaml")


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (Limits(file=10), "'manifest.yaml' has 14 bytes; 10 is the most"),
        (Limits(total=10), "more files or bytes"),
        (Limits(entries=0), "more files or bytes"),
    ],
)
def test_a_folder_has_the_limits_of_an_archive(folder, limits, told):
    with pytest.raises(PackageFault, match=told):
        open_package(folder, limits)


def test_hidden_files_are_no_part_of_a_package(folder):
    (folder / ".git").mkdir()
    (folder / ".git" / "x").symlink_to("/etc/passwd")
    (folder / ".hidden").symlink_to("/etc/passwd")
    assert open_package(folder).names() == ("manifest.yaml",)


def test_a_path_that_is_no_package(tmp_path):
    with pytest.raises(PackageFault, match="cannot be read"):
        open_package(tmp_path / "nothing.zip")


# Files of a package that are bombs themselves

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
FILES = {
    "aliases of aliases": (BOMB, "an alias is used too often"),
    "an alias of itself": ("a: &a [*a]\n", "nested deeper than 64"),
    "deep lists": ("[" * 50_000, "nested deeper than 64"),
    "deep mappings": ("{a: " * 50_000, "nested deeper than 64"),
    "a large file": ("a: " + "x" * 5_000_000, "larger than 4 MiB"),
    "a tag of Python": ("!!python/object/apply:os.system [ls]\n", "is not allowed"),
    "a tag in a key": ("!!python/name:os.system x: 1\n", "is not allowed"),
    "a tag of its own": ("a: !mine b\n", "the tag !mine is not allowed"),
    "a merge of no mapping": ("<<: [1]\n", "only mappings can be merged"),
    "a mapping as key": ("? {a: 1}\n: 1\n", "a key must be a scalar"),
    "a long number": ("a: " + "9" * 100_000, "is not what its tag says"),
    "no YAML": ("a: [\n", "invalid YAML"),
    "control characters": ("a: \x01\n", "invalid YAML"),
}
PLACES = ["manifest.yaml", "Classes/b.yaml", "UI/ui.yaml", "images.lst", "template.yaml"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_refused_with_its_place(place, name):
    text, told = FILES[name]
    kind = "Heat.HOT/1.0" if place == "template.yaml" else "1.4"
    files = {"manifest.yaml": f"FullName: a.B\nFormat: {kind}\nClasses: {{a.B: b.yaml}}\n"}
    files |= {"Classes/b.yaml": "Namespaces: {=: a}\nName: B\n", place: text}
    if place == "template.yaml":
        files.pop("Classes/b.yaml")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as made:
        for one, data in files.items():
            made.writestr(one, data)
    found = check(stream.getvalue())
    assert any(one.file == place and told in one.message for one in found), found
