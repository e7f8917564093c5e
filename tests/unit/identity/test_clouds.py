"""clouds.yaml, which the administrator's clients read."""

import stat

import yaml

from knarr.core.identity import clouds


def test_the_file_is_private_and_readable_by_the_sdk(tmp_path):
    path = clouds.write(tmp_path, "http://127.0.0.1:9511/", "s3cret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    cloud = yaml.safe_load(path.read_text())["clouds"]["knarr"]
    assert cloud["auth"]["auth_url"] == "http://127.0.0.1:9511/identity/v3"
    assert cloud["auth"]["password"] == "s3cret"
    assert [entry.name for entry in tmp_path.iterdir()] == ["clouds.yaml"]


def test_other_clouds_stay(tmp_path):
    (tmp_path / "clouds.yaml").write_text("clouds:\n  mine:\n    auth: {username: me}\n")
    clouds.write(tmp_path, "http://127.0.0.1:9511", "s3cret")
    assert set(yaml.safe_load((tmp_path / "clouds.yaml").read_text())["clouds"]) == {"mine", "knarr"}


def test_the_environment_holds_what_the_clients_need(tmp_path):
    clouds.write(tmp_path, "http://127.0.0.1:9511", "s3cret")
    assert clouds.environment(tmp_path) == {
        "OS_AUTH_URL": "http://127.0.0.1:9511/identity/v3",
        "OS_USERNAME": "admin",
        "OS_PASSWORD": "s3cret",
        "OS_PROJECT_NAME": "admin",
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": "RegionOne",
        "OS_IDENTITY_API_VERSION": "3",
    }


def test_a_new_address_is_followed_and_the_password_kept(tmp_path):
    clouds.write(tmp_path, "http://127.0.0.1:9511", "s3cret")
    before = (tmp_path / "clouds.yaml").stat().st_mtime_ns
    clouds.follow_address(tmp_path, "http://127.0.0.1:9511")
    assert (tmp_path / "clouds.yaml").stat().st_mtime_ns == before
    clouds.follow_address(tmp_path, "http://127.0.0.1:8000")
    auth = clouds.read(tmp_path)["auth"]
    assert auth["auth_url"] == "http://127.0.0.1:8000/identity/v3"
    assert auth["password"] == "s3cret"
    assert stat.S_IMODE((tmp_path / "clouds.yaml").stat().st_mode) == 0o600


def test_without_a_file_there_is_nothing(tmp_path):
    clouds.follow_address(tmp_path, "http://127.0.0.1:9511")
    assert clouds.read(tmp_path) is None
    assert clouds.environment(tmp_path) is None
