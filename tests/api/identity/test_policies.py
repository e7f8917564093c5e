"""Documents of rules that are kept for other services: /v3/policies."""

import json


def test_made_seen_changed_and_deleted(api):
    body = {"type": "application/json", "blob": json.dumps({"rule": "role:admin"}), "owner": "lamps"}
    made = api.post("/v3/policies", {"policy": body}).body["policy"]
    assert body.items() <= made.items()
    path = f"/v3/policies/{made['id']}"
    assert api.get(path).body == {"policy": made}
    changed = api.patch(path, {"policy": {"blob": "{}", "owner": "wires"}}).body["policy"]
    assert changed == {**made, "blob": "{}", "owner": "wires"}
    assert api.delete(path).status == 204
    assert api.get(path).status == 404


def test_they_are_for_administrators(api):
    made = api.post("/v3/policies", {"policy": {"type": "t", "blob": "b"}}).body["policy"]
    token = api.person("manager").token
    assert api.get("/v3/policies", token=token).status == 403
    assert api.get(f"/v3/policies/{made['id']}", token=token).status == 403
    assert api.delete(f"/v3/policies/{made['id']}", token=token).status == 403
