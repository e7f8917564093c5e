"""Packages that were opened, and which of their versions sessions work with."""

from __future__ import annotations

import pytest
from tests.unit.application_catalog.conftest import CORE, archive, of_classes, package

from knarr.services.application_catalog.language.errors import ClassNotFound, PackageNotFound, SyntaxFault
from knarr.services.application_catalog.language.session import Session
from knarr.services.application_catalog.language.versions import spec, version
from knarr.services.application_catalog.packages.catalogue import Catalogue
from knarr.services.application_catalog.packages.faults import PackageFault
from knarr.services.application_catalog.packages.package import ApplicationPackage

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
FILES = {
    "manifest.yaml": "FullName: a.B\nClasses: {a.B: b.yaml}\nSupplier: {Logo: them.png}\n",
    "Classes/b.yaml": "Namespaces: {=: a}\nName: B\n",
    "UI/ui.yaml": "Version: 2.4\n",
    "Resources/x/y.txt": "text",
    "logo.png": PNG,
    "them.png": PNG + b"!",
    "images.lst": "Images:\n- {Name: a, DiskFormat: raw, ContainerFormat: bare}\n",
}


def opened(**changes: object) -> ApplicationPackage:
    files = {name: data for name, data in {**FILES, **changes}.items() if data is not None}
    return ApplicationPackage.open(archive(files))


def test_what_is_in_a_package():
    found = opened()
    assert found.ui() == b"Version: 2.4\n"
    assert (found.logo(), found.supplier_logo()) == (PNG, PNG + b"!")
    assert found.resource("x/y.txt") == b"text"
    assert [one.name for one in found.images()] == ["a"]


def test_what_a_package_may_go_without():
    manifest = "FullName: a.B\n"
    changes = {"manifest.yaml": manifest, "UI/ui.yaml": None, "logo.png": None, "images.lst": None}
    found = opened(**changes)
    assert (found.ui(), found.logo(), found.supplier_logo(), found.images()) == (None, None, None, ())


def test_pictures_that_the_manifest_names_must_be_there():
    with pytest.raises(PackageFault, match=r"no file .them\.png."):
        opened(**{"them.png": None}).supplier_logo()
    with pytest.raises(PackageFault, match=r"logo.png is no picture"):
        opened(**{"logo.png": "text"}).logo()


@pytest.mark.parametrize(
    ("data", "told", "error"),
    [
        (None, "manifest.yaml:1: the package has no file Classes/b.yaml", SyntaxFault),
        (b"\xff", "Classes/b.yaml:1: the file is not UTF-8", SyntaxFault),
        ("Name: a.C\n", "Classes/b.yaml:1: the file b.yaml has no class a.B", ClassNotFound),
        ("Name: [\n", "Classes/b.yaml:2: invalid YAML", SyntaxFault),
    ],
)
def test_classes_that_cannot_be_read(data, told, error):
    session = Session(Catalogue([package(CORE), opened(**{"Classes/b.yaml": data})]))
    with pytest.raises(error) as caught:
        session.find_type("a.B")
    assert str(caught.value).startswith(told)


# Versions


def of_version(number: str, name: str = "t", **require: str) -> ApplicationPackage:
    files = of_classes("Name: Main\n", version=number)
    files["manifest.yaml"] = str(files["manifest.yaml"]).replace("FullName: t", f"FullName: {name}")
    needs = "".join(f"          {key}: '{value}'\n" for key, value in require.items())
    if needs:
        files["manifest.yaml"] += f"\n        Require:\n{needs}"
    return package(files)


VERSIONS = ("1.0.0", "1.2.0", "1.10.0", "2.0.0", "0.9.0")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("*", "2.0.0"),
        ("1", "1.10.0"),
        ("1.2", "1.2.0"),
        (">=1,<1.5", "1.2.0"),
        ("==1.0.0", "1.0.0"),
        (None, "0.9.0"),
        ("!=2.0.0,>=1", "1.10.0"),
    ],
)
def test_the_newest_version_of_a_range_is_taken(wanted, found):
    catalogue = Catalogue(map(of_version, VERSIONS))
    assert catalogue.load_package("t", spec(wanted)).version == version(found)


def test_a_version_that_is_loaded_is_preferred_to_a_newer_one():
    catalogue = Catalogue(map(of_version, VERSIONS))
    first = catalogue.load_package("t", spec("1.2"))
    assert catalogue.load_package("t", spec(">=1")) is first
    assert catalogue.load_package("t", spec("2")).version == version("2.0.0")


def test_versions_that_are_not_there_are_told_with_those_that_are():
    catalogue = Catalogue(map(of_version, VERSIONS))
    with pytest.raises(PackageNotFound, match=r"package t >=3 is needed; there is 2.0.0, 1.10.0, 1.2.0"):
        catalogue.load_package("t", spec(">=3"))
    with pytest.raises(PackageNotFound, match="package other 1 is needed and not there"):
        catalogue.load_package("other", spec("1"))
    with pytest.raises(PackageNotFound, match=r"no package has the class t.Other"):
        catalogue.load_class_package("t.Other", spec("*"))


def test_each_package_sees_the_versions_that_it_requires():
    files = {
        "manifest.yaml": "FullName: user\nFormat: 1.4\nVersion: 1.0.0\nRequire: {t: '1.2'}\n"
        "Classes: {user.Main: m.yaml}\n",
        "Classes/m.yaml": "Name: user.Main\nExtends: t.Main\n",
    }
    catalogue = Catalogue(
        [package(CORE), ApplicationPackage.open(archive(files)), *map(of_version, VERSIONS)]
    )
    session = Session(catalogue)
    assert [str(kind.version) for kind in session.find_type("user.Main").parents] == ["1.2.0"]
