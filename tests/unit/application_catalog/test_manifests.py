"""Manifests, bundles and lists of images: what they say, and mistakes with their lines."""

from __future__ import annotations

import textwrap

import pytest

from knarr.services.application_catalog.language.versions import spec, version
from knarr.services.application_catalog.packages import bundles, images, manifest
from knarr.services.application_catalog.packages.faults import PackageFault

FULL = """
    Format: MuranoPL/1.4
    Type: Library
    FullName: com.example.Shop
    Name: Shop
    Description: |
      Sells a + b
    Author: Example, Inc
    Tags: [Web, 2024]
    Version: 1.2
    Require:
      com.example.Db: ">=1.0,<2"
      com.example.Cache: 3
    Classes:
      com.example.Shop: shop.yaml
      com.example.shop.Item: parts/item.yaml
    UI: form.yaml
    Logo: shop.png
    Supplier:
      Name: Example
      Summary: They sell
      Description: All they sell
      CompanyUrl: {Text: Home, Link: "http://example.com"}
      Logo: supplier.png
    Meta:
      io.murano.metadata.Title: {text: The shop}
"""


def _bytes(text: str) -> bytes:
    return textwrap.dedent(text).lstrip("\n").encode()


def test_a_manifest_with_everything_in_it():
    found = manifest.read(_bytes(FULL))
    assert (found.format_name, found.format_version, found.type) == ("MuranoPL", "1.4", "Library")
    assert (found.full_name, found.name, found.author) == ("com.example.Shop", "Shop", "Example, Inc")
    assert found.description == "Sells a + b"
    assert found.tags == ("Web", "2024")
    assert found.version == version("1.2.0")
    assert found.require == {
        "com.example.Db": spec(">=1.0,<2"),
        "com.example.Cache": spec("3"),
        "io.murano": spec("0"),
    }
    assert found.classes == {"com.example.Shop": "shop.yaml", "com.example.shop.Item": "parts/item.yaml"}
    assert (found.ui, found.logo) == ("form.yaml", "shop.png")
    assert found.supplier == manifest.Supplier(
        "Example", "All they sell", "They sell", "http://example.com", "supplier.png"
    )
    [meta] = found.meta
    assert (meta.type_name, meta.values) == ("io.murano.metadata.Title", {"text": "The shop"})


def test_what_a_manifest_does_not_say():
    found = manifest.read(b"FullName: a.B\n")
    assert (found.format_name, found.format_version, found.type) == ("MuranoPL", "1.0", "Application")
    assert (found.name, found.ui, found.version) == ("a.B", "ui.yaml", version("0.0.0"))


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("1.0", ("MuranoPL", "1.0")),
        ("1.4", ("MuranoPL", "1.4")),
        ("1", ("MuranoPL", "1.0")),
        ("1.2.0", ("MuranoPL", "1.2")),
        ("MuranoPL", ("MuranoPL", "1.0")),
        ("MuranoPL/1.3", ("MuranoPL", "1.3")),
        ("Heat.HOT/1.0", ("Heat.HOT", "1.0")),
        ("Heat.HOT", ("Heat.HOT", "1.0")),
        ("TOSCA/1.1", ("TOSCA", "1.1")),
    ],
)
def test_formats(written, wanted):
    found = manifest.read(f"FullName: a\nFormat: {written}\n".encode(), {"TOSCA": ("1.0", "1.1")})
    assert (found.format_name, found.format_version) == wanted


MISTAKES = [
    ("Format: MuranoPL/1.4", "Format: MuranoPL/1.9", "MuranoPL has the versions 1.0, 1.1, 1.2, 1.3, 1.4"),
    ("Format: MuranoPL/1.4", "Format: Chef/1", "Chef/1 is none of Heat.HOT, MuranoPL"),
    ("Type: Library", "Type: Lib", "must be Application or Library"),
    ("FullName: com.example.Shop", "FullName: com..Shop", "must be words with dots between"),
    ("FullName: com.example.Shop", "FullName: [a]", "must be words with dots between"),
    ("FullName: com.example.Shop", f"FullName: {'a' * 81}", "80 characters at most"),
    ("Author: Example, Inc", "Author: {a: 1}", "Author must be text"),
    ("Tags: [Web, 2024]", "Tags: [[Web]]", "Tags is a list of words"),
    ("Version: 1.2", "Version: new", "'new' is no version"),
    ('com.example.Db: ">=1.0,<2"', "com.example.Db: newest", "com.example.Db: 'newest' is no range"),
    ("com.example.Cache: 3", "'x y': 3", "'x y' is no package's name"),
    ("com.example.Cache: 3", "com.example.Shop: 3", "cannot require itself"),
    ("com.example.Shop: shop.yaml", "com.example.Shop: ../shop.yaml", "must lead inside of the package"),
    ("com.example.Shop: shop.yaml", "com.example.Shop: [shop.yaml]", "needs the name of a file"),
    ("com.example.Shop: shop.yaml", "5: shop.yaml", "Classes: a name is read as 5: numbers"),
    ("UI: form.yaml", "UI: /etc/passwd", "UI: the path '/etc/passwd' is not allowed"),
    ("Logo: shop.png", "Logo: {}", "Logo must be text"),
    ("Logo: supplier.png", "Logo: ../x.png", "Logo: the path"),
    ("Summary: They sell", "Sumary: They sell", "Supplier has no key 'Sumary'"),
    ("Type: Library", "Typ: Library", "a manifest has no key 'Typ'"),
]


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES)
def test_a_mistake_is_told_with_its_line(old, new, told):
    assert old in FULL
    text = _bytes(FULL.replace(old, new, 1))
    _, faults = manifest.inspect(text)
    assert [told in fault.message for fault in faults] == [True], [str(fault) for fault in faults]
    line = text.decode().splitlines()[faults[0].position.line - 1]
    assert line.strip() == new


@pytest.mark.parametrize("key", ["Require: [a]", "Classes: a", "Supplier: me", "Require: 5"])
def test_what_must_be_a_mapping(key):
    with pytest.raises(PackageFault, match=rf"manifest.yaml:2: {key.partition(':')[0]}"):
        manifest.read(f"FullName: a\n{key}\n".encode())


def test_all_mistakes_are_found_at_once():
    text = FULL
    for old, new, _ in (MISTAKES[0], MISTAKES[2], MISTAKES[8], MISTAKES[12]):
        text = text.replace(old, new)
    found, faults = manifest.inspect(_bytes(text))
    assert [fault.position.line for fault in faults] == [1, 2, 9, 14]
    assert found.classes == {"com.example.shop.Item": "parts/item.yaml"}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"- a\n", "a manifest is one mapping"),
        (b"", "a manifest is one mapping"),
        (b"a: 1\n---\nb: 2\n", "a manifest is one mapping"),
        (b"Name: x\n", "FullName is required"),
        (b"Name: \xff\n", "the file is not UTF-8"),
        (b"Name: [\n", "manifest.yaml:2: invalid YAML"),
        (b"Name: !!python/object:os.system x\n", "tag:yaml.org,2002:python/object:os.system is not allowed"),
        (b"Name: !!binary eA==\n", "is not allowed"),
    ],
)
def test_what_is_no_manifest(data, told):
    with pytest.raises(PackageFault, match=told):
        manifest.read(data)


def test_unknown_keys_do_not_keep_a_package_from_being_used():
    assert manifest.read(b"FullName: a\nLicense: free\n").full_name == "a"


# Bundles


@pytest.mark.parametrize(
    "text",
    [
        '{"Packages": [{"Name": "a.B"}, {"Name": "a.C", "Version": ""}, {"Name": "d", "Version": "1.0.1"}],'
        ' "Version": 1}',
        "Packages:\n- Name: a.B\n- {Name: a.C, Version: }\n- {Name: d, Version: 1.0.1}\nVersion: 1\n",
    ],
)
def test_a_bundle_is_json_or_yaml(text):
    assert bundles.read(text.encode()) == bundles.Bundle(
        (bundles.Entry("a.B"), bundles.Entry("a.C"), bundles.Entry("d", "1.0.1")), "1"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "x.bundle:1: a bundle has the key Packages"),
        ("Packages:\n- a.B\n", "x.bundle:1: each package"),
        ("Packages:\n- Name: a.B\n- Name: ../up\n", "x.bundle:3: Name: '../up'"),
        ("Packages:\n- Name: a.B\n  Version: last\n", "x.bundle:3: Version: 'last'"),
        ("Packages: [{Name: a", "x.bundle:2: invalid YAML"),
        ("Packages: [" + "{Name: a}," * 501 + "]", "500 packages at most"),
    ],
)
def test_mistakes_in_bundles(text, told):
    with pytest.raises(PackageFault, match=told):
        bundles.read(text.encode(), "x.bundle")


# images.lst

IMAGES = """
    Images:
      - Name: debian.qcow2
        Hash: 64d7c1cd2b6f60c92c14662941cb7913
        Meta: {title: Debian 12, type: linux}
        DiskFormat: QCOW2
        ContainerFormat: bare
      - Name: windows
        DiskFormat: raw
        ContainerFormat: bare
        Url: https://example.com/w.raw
"""


def test_images_are_listed_with_their_marks():
    one, two = images.read(_bytes(IMAGES))
    assert one == images.Image(
        "debian.qcow2",
        "qcow2",
        "bare",
        "64d7c1cd2b6f60c92c14662941cb7913",
        None,
        {"title": "Debian 12", "type": "linux"},
    )
    assert one.algorithm == "md5"
    assert one.properties == {"murano_image_info": '{"title": "Debian 12", "type": "linux"}'}
    assert (two.url, two.algorithm, two.properties) == ("https://example.com/w.raw", None, {})


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("- Name: windows", "- Name: debian.qcow2", "stands there twice"),
        ("- Name: windows", "- Name: ../up", "is no name of an image"),
        ("DiskFormat: raw", "DiskFormat: zip", "DiskFormat: zip is none of raw"),
        ("Hash: 64d7c1cd2b6f60c92c14662941cb7913", "Hash: 64d7", "is a hexadecimal digest"),
        ("Url: https://example.com/w.raw", "Url: file:///etc/passwd", "http:// or https://"),
        ("Url: https://example.com/w.raw", "Uri: https://example.com/w.raw", "no key 'Uri'"),
        ("Meta: {title: Debian 12, type: linux}", "Meta: [a]", "Meta maps words to texts"),
    ],
)
def test_mistakes_in_lists_of_images(old, new, told):
    text = _bytes(IMAGES.replace(old, new, 1))
    with pytest.raises(PackageFault, match=told) as caught:
        images.read(text)
    assert text.decode().splitlines()[caught.value.position.line - 1].strip() == new


def test_a_list_of_images_needs_the_formats():
    _, faults = images.inspect(b"Images:\n- Name: a\n- DiskFormat: raw\n")
    assert [str(fault) for fault in faults] == [
        "images.lst:2: an image needs the key DiskFormat",
        "images.lst:3: an image needs the key Name",
    ]
