"""What fields offer to choose from, and what the cloud is asked for that."""

from __future__ import annotations

import json

import pytest

from knarr.services.application_catalog.forms.cloud import (
    Addable,
    Component,
    Flavor,
    Image,
    Network,
    Subnet,
    Volume,
    Zone,
)

from .support import RecordingCloud, define, error_of, keys, titles, view, wizard


class TestFixedChoices:
    @pytest.mark.parametrize(
        "choices",
        [
            "[[a, First], [2, Second]]",
            "{a: First, 2: Second}",
            "dict(a => First, '2' => Second)",
            "[[a, First], ['2', Second]]",
        ],
    )
    def test_list_mapping_or_expression(self, choices: str) -> None:
        shown = view(f"name: x\ntype: choice\nchoices: {choices}")
        assert (keys(shown), titles(shown)) == (["a", "2"], ["First", "Second"])

    def test_of_a_parameter(self) -> None:
        definition = define(
            """
            Parameters:
              plans: {s: Small, l: Large}
            Forms:
              - app:
                  fields:
                    - {name: plan, type: choice, choices: $plans, initial: l}
                    - {name: other, type: choice, choices: [[$plans.s, one]]}
            """
        )
        form = wizard(definition).start().form
        assert form is not None
        assert (keys(form.fields[0]), form.fields[0].value) == (["s", "l"], "l")
        assert keys(form.fields[1]) == ["Small"]

    def test_there_is_no_choice_of_nothing(self) -> None:
        assert view("name: x\ntype: choice\nchoices: [[a, A]]").empty is None


class TestImages:
    IMAGES = (
        Image("1", "one", murano_image_info='{"title": "Ubuntu", "type": "linux.ubuntu"}'),
        Image("2", "two", murano_image_info='{"title": "Any", "type": "linux"}'),
        Image("3", "three", murano_image_info='{"type": "windows.2012"}'),
        Image("4", "four", murano_image_info='{"title": "Lin", "type": "linuxish"}'),
        Image("5", "five"),
        Image("6", "six", murano_image_info="{"),
        Image("7", "seven", murano_image_info="[]"),
        Image("8", "eight", "queued", '{"title": "Late", "type": "linux"}'),
        Image("9", "nine", murano_image_info='{"title": "Copy", "type": "linux"}', image_type="snapshot"),
        Image("10", "ten", murano_image_info='{"title": "Untyped"}'),
    )

    def test_marked_ones_by_title(self) -> None:
        shown = view("name: x\ntype: image", RecordingCloud(self.IMAGES))
        assert titles(shown) == ["Any", "Late (queued)", "Lin", "Ubuntu", "Untyped", "three"]
        assert shown.empty == "Select an image"
        assert shown.notice == "2 images have a broken property murano_image_info"

    def test_of_a_type_and_what_is_below_it(self) -> None:
        shown = view("name: x\ntype: image\nimageType: linux", RecordingCloud(self.IMAGES))
        assert keys(shown) == ["2", "8", "1"]

    def test_what_is_not_active_cannot_be_chosen(self) -> None:
        shown = view("name: x\ntype: image", RecordingCloud(self.IMAGES))
        assert shown.choices is not None
        assert [choice.title for choice in shown.choices if not choice.enabled] == ["Late (queued)"]

    def test_none(self) -> None:
        shown = view("name: x\ntype: image\nimageType: mac", RecordingCloud(self.IMAGES))
        assert (shown.choices, shown.empty) == ((), "No images available")


class TestFlavors:
    FLAVORS = (
        Flavor("1", "m1.tiny", 1, 512, 1),
        Flavor("2", "m1.small", 1, 2048, 20),
        Flavor("3", "m1.medium", 2, 4096, 40),
        Flavor("4", "m1.large", 4, 8192, 80),
    )

    @pytest.mark.parametrize(
        ("requirements", "wanted"),
        [
            ("{}", ["m1.large", "m1.medium", "m1.small", "m1.tiny"]),
            ("{min_disk: 20}", ["m1.large", "m1.medium", "m1.small"]),
            ("{min_vcpus: 2}", ["m1.large", "m1.medium"]),
            ("{min_memory_mb: 4096}", ["m1.large", "m1.medium"]),
            ("{max_disk: 20}", ["m1.small", "m1.tiny"]),
            ("{max_vcpus: 1}", ["m1.small", "m1.tiny"]),
            ("{max_memory_mb: 4096, min_disk: 2}", ["m1.medium", "m1.small"]),
            ("{min_vcpus: 1 + 1}", ["m1.large", "m1.medium"]),
            ("{minDisk: 80}", ["m1.large"]),
        ],
    )
    def test_that_meet_the_requirements(self, requirements: str, wanted: list[str]) -> None:
        cloud = RecordingCloud(flavor_list=self.FLAVORS)
        assert titles(view(f"name: x\ntype: flavor\nrequirements: {requirements}", cloud)) == wanted

    def test_a_medium_one_is_suggested(self) -> None:
        assert view("name: x\ntype: flavor", RecordingCloud(flavor_list=self.FLAVORS)).value == "3"

    def test_the_author_s_choice_comes_first(self) -> None:
        shown = view("name: x\ntype: flavor\ninitial: m1.tiny", RecordingCloud(flavor_list=self.FLAVORS))
        assert shown.value == "m1.tiny"

    def test_none_is_good_enough(self) -> None:
        cloud = RecordingCloud(flavor_list=self.FLAVORS)
        shown = view("name: x\ntype: flavor\nrequirements: {min_vcpus: 64}", cloud)
        assert (shown.choices, shown.notice) == ((), "No flavor meets the requirements")


class TestNamedThings:
    def test_keypairs(self) -> None:
        shown = view("name: x\ntype: keypair", RecordingCloud(keypair_list=["b", "a"]))
        assert (keys(shown), shown.empty) == (["a", "b"], "No key pair")

    @pytest.mark.parametrize("kind", ["azone", "zone"])
    def test_zones_that_are_available(self, kind: str) -> None:
        cloud = RecordingCloud(zone_list=[Zone("nova"), Zone("east"), Zone("down", available=False)])
        shown = view(f"name: x\ntype: {kind}", cloud)
        assert (keys(shown), shown.empty) == (["east", "nova"], None)
        assert view(f"name: x\ntype: {kind}", RecordingCloud()).empty == "No availability zones available"

    def test_security_groups_but_for_murano_s_own(self) -> None:
        shown = view("name: x\ntype: securitygroup", RecordingCloud(group_list=["web", "murano--x", "db"]))
        assert (keys(shown), shown.empty) == (["db", "web"], "The application's own security group")


class TestVolumes:
    CLOUD = RecordingCloud(
        volume_list=[Volume("v1", "data"), Volume("v2", "busy", "in-use"), Volume("v3", "")],
        snapshot_list=[Volume("s1", "backup"), Volume("s2", "half", "creating")],
    )

    @pytest.mark.parametrize(
        ("more", "wanted"),
        [
            ("", ["s1", "v1", "v3"]),
            ("include_snapshots: false", ["v1", "v3"]),
            ("includeVolumes: false", ["s1"]),
        ],
    )
    def test_that_are_available(self, more: str, wanted: list[str]) -> None:
        shown = view(f"name: x\ntype: volume\n{more}", self.CLOUD)
        assert (keys(shown), shown.empty) == (wanted, "Select a volume")

    def test_only_what_is_shown_is_asked_for(self) -> None:
        cloud = RecordingCloud()
        assert view("name: x\ntype: volume\ninclude_snapshots: false", cloud).empty == "No volumes available"
        assert cloud.asked == [("volumes", None)]


class TestNetworks:
    NETWORKS = (
        Network("n1", "private", (Subnet("s1", "10.0.0.0/24", "main"), Subnet("s2", "10.0.1.0/24"))),
        Network("n2", "shop-network-8f2", (Subnet("s3", "10.0.2.0/24"),)),
        Network("n3", "public", (Subnet("s4", "192.0.2.0/24"),), external=True),
        Network("n4", "bare"),
    )

    def cloud(self) -> RecordingCloud:
        return RecordingCloud(network_list=self.NETWORKS, environment_list=["shop"])

    def test_pairs_with_subnets(self) -> None:
        shown = view("name: x\ntype: network", self.cloud())
        assert titles(shown) == [
            "Auto",
            "private: 10.0.0.0/24 (main)",
            "private: 10.0.1.0/24",
            "shop-network-8f2: 10.0.2.0/24",
        ]
        assert [json.loads(key) for key in keys(shown)] == [
            [None, None],
            ["n1", "s1"],
            ["n1", "s2"],
            ["n2", "s3"],
        ]

    def test_networks_alone(self) -> None:
        shown = view("name: x\ntype: network\ninclude_subnets: false", self.cloud())
        assert titles(shown) == ["Auto", "private", "shop-network-8f2", "bare"]
        assert json.loads(keys(shown)[1]) == ["n1", None]

    @pytest.mark.parametrize(
        ("more", "wanted"),
        [
            ("murano_networks: translate", ["private", "Network of shop", "bare"]),
            ("murano_networks: exclude", ["private", "bare"]),
            ("filter: '^(priv|ba)'", ["private", "bare"]),
            ("filter: rivate", []),
        ],
    )
    def test_some(self, more: str, wanted: list[str]) -> None:
        spec = f"name: x\ntype: network\ninclude_subnets: false\nallow_auto: false\n{more}"
        assert titles(view(spec, self.cloud())) == wanted

    def test_environments_are_asked_for_only_if_names_matter(self) -> None:
        cloud = self.cloud()
        view("name: x\ntype: network", cloud)
        assert cloud.asked == [("networks", None)]

    def test_none(self) -> None:
        shown = view("name: x\ntype: network\nallow_auto: false", RecordingCloud())
        assert (shown.choices, shown.empty) == ((), "No networks available")


class TestComponents:
    ADDABLE = Addable("p1", "com.example.MySql", "MySQL")

    def test_of_a_class(self) -> None:
        cloud = RecordingCloud(
            component_list=[Component("c", "db", "com.example.MySql")], addable_list=[self.ADDABLE]
        )
        shown = view("name: x\ntype: com.example.Database", cloud)
        assert cloud.asked == [
            ("components", ("com.example.Database",)),
            ("addable", ("com.example.Database",)),
        ]
        assert (shown.widget, shown.classes) == ("component", ("com.example.Database",))
        assert (keys(shown), shown.empty, shown.addable) == (["c"], "Select an application", (self.ADDABLE,))

    def test_the_only_one_is_suggested(self) -> None:
        one = RecordingCloud(component_list=[Component("c", "db", "a.B")], addable_list=[self.ADDABLE])
        two = RecordingCloud(component_list=[Component("c", "db", "a.B"), Component("d", "db", "a.B")])
        assert (view("name: x\ntype: a.B", one).value, view("name: x\ntype: a.B", two).value) == ("c", None)

    def test_of_several_classes(self) -> None:
        cloud = RecordingCloud()
        shown = view("name: x\ntype: [a.B, c.D, a.B]\nemptyValueMessage: None yet", cloud)
        assert cloud.asked[0] == ("components", ("a.B", "c.D"))
        assert shown.empty == "None yet"
        assert shown.notice == "No application in the catalogue is a a.B or c.D"

    def test_a_domain_is_an_active_directory(self) -> None:
        cloud = RecordingCloud()
        assert view("name: x\ntype: domain", cloud).empty == "Not in a domain"
        assert cloud.asked[0] == ("components", ("io.murano.windows.ActiveDirectory",))


class TestTheCloud:
    def test_is_asked_once_in_a_request(self) -> None:
        definition = define(
            """
            Forms:
              - app:
                  fields:
                    - {name: a, type: keypair, required: false}
                    - {name: b, type: keypair, required: false}
              - more:
                  fields:
                    - {name: c, type: keypair, required: false}
            """
        )
        cloud = RecordingCloud(keypair_list=["k"])
        wizard(definition, cloud).advance({"app": {}, "more": {}})
        assert cloud.asked == [("keypairs", None)]

    def test_of_a_region(self) -> None:
        definition = define(
            """
            Forms:
              - app:
                  fields:
                    - {name: place, type: string}
              - more:
                  region: $.app.place
                  fields:
                    - {name: key, type: keypair}
            """
        )
        cloud = RecordingCloud()
        wizard(definition, cloud).advance({"app": {"place": "north"}})
        assert cloud.asked == [("keypairs", "north")]

    def test_that_does_not_answer_is_told(self) -> None:
        cloud = RecordingCloud(down=("keypairs",))
        shown = view("name: x\ntype: keypair", cloud)
        assert (shown.choices, shown.notice) == ((), "no answer about keypairs")
        assert (
            error_of("name: x\ntype: keypair", "mine", RecordingCloud(down=("keypairs",)))[0]
            == "invalid_choice"
        )

    def test_that_is_not_there_is_told(self) -> None:
        assert view("name: x\ntype: flavor").notice == "no cloud is connected"

    def test_is_not_asked_for_other_fields(self) -> None:
        cloud = RecordingCloud()
        view("name: x\ntype: string", cloud)
        assert cloud.asked == []
