"""The check of signatures, against keys and signatures of other programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from knarr_agent import signature

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PKCS1, SPKI = serialization.PublicFormat.PKCS1, serialization.PublicFormat.SubjectPublicKeyInfo


def pem(form: serialization.PublicFormat, key: rsa.RSAPrivateKey = KEY) -> str:
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def signed(queue: str, text: str, key: rsa.RSAPrivateKey = KEY) -> bytes:
    return key.sign((queue + text).encode(), padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("form", [PKCS1, SPKI])
@pytest.mark.parametrize("text", ["{}", "", '{"a": "ä"}', "x" * 100_000])
def test_what_was_signed_is_known(form: serialization.PublicFormat, text: str) -> None:
    assert signature.load(pem(form)).verify("e1-h1", text, signed("e1-h1", text))


@pytest.mark.parametrize("size", [1024, 3072, 4096, 2056])
def test_keys_have_any_size(size: int) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=size)
    assert signature.load(pem(SPKI, key)).verify("q", "t", signed("q", "t", key))


def test_what_openssl_signs_is_known(tmp_path: Path) -> None:
    def openssl(*arguments: str) -> bytes:
        return subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True).stdout

    openssl("genrsa", "-out", "key.pem", "2048")
    public = openssl("rsa", "-in", "key.pem", "-pubout").decode()
    (tmp_path / "data").write_text("queue{}")
    made = openssl("dgst", "-sha256", "-sign", "key.pem", "data")
    assert signature.load(public).verify("queue", "{}", made)


def test_everything_else_is_not() -> None:
    key, good = signature.load(pem(PKCS1)), signed("e1-h1", "text")
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert not key.verify("e1-h2", "text", good)
    assert not key.verify("e1-h1", "Text", good)
    assert not key.verify("e1-h1", "text", b"")
    assert not key.verify("e1-h1", "text", good[:-1])
    assert not key.verify("e1-h1", "text", good + b"\0")
    assert not key.verify("e1-h1", "text", b"\0" + good)
    assert not key.verify("e1-h1", "text", bytes([good[0] ^ 1]) + good[1:])
    assert not key.verify("e1-h1", "text", signed("e1-h1", "text", other))
    assert not key.verify("e1-h1", "text", b"\xff" * 256)
    assert not key.verify("e1-h1", "text", KEY.sign(b"e1-h1text", padding.PKCS1v15(), hashes.SHA1()))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    assert not key.verify("e1-h1", "text", KEY.sign(b"e1-h1text", pss, hashes.SHA256()))


def test_padding_is_compared_whole() -> None:
    """Elsewhere, blocks with a short padding and anything at all behind the digest were let through."""
    import hashlib

    tail = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(b"qt").digest()
    block = b"\x00\x01" + b"\xff" * 8 + b"\x00" + tail
    block += b"\x00" * (256 - len(block))
    numbers = KEY.private_numbers()
    forged = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")
    assert not signature.load(pem(SPKI)).verify("q", "t", forged)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-rsa AAAA",
        "-----BEGIN PUBLIC KEY-----\n!!!\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----",
        "-----BEGIN RSA PUBLIC KEY-----\nMAYCAQECAQM=\n-----END RSA PUBLIC KEY-----",
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, SPKI)
        .decode(),
        pem(PKCS1).replace("RSA PUBLIC", "PUBLIC"),
        pem(PKCS1)[:200] + "\n-----END RSA PUBLIC KEY-----",
    ],
)
def test_what_is_no_key_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is no "):
        signature.load(text)


def test_a_key_may_be_indented_as_in_a_configuration() -> None:
    indented = "\n".join("    " + line for line in pem(PKCS1).splitlines())
    assert signature.load(indented).verify("q", "t", signed("q", "t"))
