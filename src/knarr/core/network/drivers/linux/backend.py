"""The backend itself: keeps the kernel in step with the desired state, one transaction at a time."""

from __future__ import annotations

import logging
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from knarr.core.network.drivers.base import (
    BackendError,
    Capabilities,
    Changes,
    DesiredState,
    Finding,
    NetworkBackend,
    NetworkState,
    PortState,
    PresenceCallback,
    RouterPort,
    RouterState,
    SecurityGroupState,
    bridge_name,
    tap_name,
)
from knarr.core.network.drivers.linux import doctor, external, forwarding, fragments, probe, taps
from knarr.core.network.drivers.linux.claim import Claim
from knarr.core.network.drivers.linux.desired import Desired, Judge, Owner
from knarr.core.network.drivers.linux.dhcp import Dhcp
from knarr.core.network.drivers.linux.fragments import FAMILIES, TABLE, Delta, Fragment
from knarr.core.network.drivers.linux.presence import Presence
from knarr.core.network.drivers.linux.routers import Routers, legs_of
from knarr.core.network.drivers.linux.shaping import Shaping
from knarr.core.network.drivers.linux.trunks import Trunks
from knarr.kernel import hostnet
from knarr.kernel.hostnet import conntrack
from knarr.kernel.hostnet.links import Link
from knarr.kernel.hostnet.nft import Nft, NftError

LOG = logging.getLogger(__name__)

BRIDGE_SETTINGS = Path("/proc/sys/net/bridge")
CALLS = ("bridge-nf-call-iptables", "bridge-nf-call-ip6tables")


class LinuxBackend(NetworkBackend):
    """Bridges by rtnetlink, filters by nftables, routers and DHCP servers in namespaces.

    `_kernel` is what the tables hold as far as is known; a change is computed against it, so that only
    differences are sent, and it is read anew when the kernel refuses a change, and by every reconcile.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._desired = Desired()
        self._fragments: dict[Owner, Fragment] = {}
        self._kernel = Fragment()
        self._claim = Claim()
        self._shaping = Shaping()
        self._trunks = Trunks()
        self._presence = Presence(self._device)
        self._routers = Routers()
        self._dhcp = Dhcp()
        self._nft_instance: Nft | None = None

    def start(self) -> None:
        with self._lock, _as_backend_error():
            self._claim.take()
            try:
                _filter_bridged()
                forwarding.accept_bridged()
                self._read()
                self._commit({("base",)})
                self._presence.start()
            except BaseException:
                self._claim.leave()
                raise

    def stop(self) -> None:
        self._presence.stop()
        self._claim.leave()

    def apply_network(self, network: NetworkState) -> None:
        with self._lock, _as_backend_error():
            was_external = self._desired.is_external(network.id)
            self._commit(self._desired.set_network(network))
            hostnet.ensure_bridge(network.bridge, network.mtu)
            external.apply(network)
            if network.external or was_external:
                external.forward(self._external_bridges())
            self._serve(network.id)

    def remove_network(self, network_id: str) -> None:
        with self._lock, _as_backend_error():
            was_external = self._desired.is_external(network_id)
            touched = self._desired.drop_network(network_id)
            self._serve(network_id)
            self._commit(touched)
            hostnet.delete_bridge(bridge_name(network_id))
            if was_external:
                external.forward(self._external_bridges())

    def apply_ports(self, ports: Iterable[PortState]) -> None:
        ports = tuple(ports)
        with self._lock, _as_backend_error():
            gone = {address for port in ports for address in self._desired.addresses(port.id)}
            served = self._dhcp_networks(port.id for port in ports)
            touched: set[Owner] = set()
            for port in ports:
                touched |= self._desired.set_port(port)
            gone -= {address for port in ports for address in self._desired.addresses(port.id)}
            self._commit(touched, gone)
            local = [port for port in ports if port.local]
            self._trunks.expect(local)
            self._shaping.expect(local)
            for network_id in served | self._dhcp_networks(port.id for port in ports):
                self._serve(network_id)
            self._presence.expect(local)

    def remove_port(self, port_id: str) -> None:
        with self._lock, _as_backend_error():
            gone, served = self._desired.addresses(port_id), self._dhcp_networks((port_id,))
            touched = self._desired.drop_port(port_id)
            self._presence.forget(port_id)
            self._trunks.forget(tap_name(port_id))
            self._shaping.forget(tap_name(port_id))
            self._commit(touched, gone)
            for network_id in served:
                self._serve(network_id)

    def apply_groups(self, groups: Iterable[SecurityGroupState]) -> None:
        with self._lock, _as_backend_error():
            touched: set[Owner] = set()
            for group in groups:
                touched |= self._desired.set_group(group)
            self._commit(touched)

    def remove_group(self, group_id: str) -> None:
        with self._lock, _as_backend_error():
            self._commit(self._desired.drop_group(group_id))

    def apply_router(self, router: RouterState) -> None:
        with self._lock, _as_backend_error():
            before = self._desired.routers.get(router.id)
            self._desired.routers[router.id] = router
            self._commit({("router", router.id)})
            for change in self._routers.apply(router):
                LOG.debug("%s", change)
            legs = legs_of(router)
            for leg in legs_of(before) if before else ():
                if leg.port_id not in {other.port_id for other in legs}:
                    self._presence.forget(leg.port_id)
            self._presence.expect(map(_as_port, legs))

    def remove_router(self, router_id: str) -> None:
        with self._lock, _as_backend_error():
            router = self._desired.routers.pop(router_id, None)
            self._routers.remove(router_id)
            for leg in legs_of(router) if router else ():
                self._presence.forget(leg.port_id)
            self._commit({("router", router_id)})

    def reconcile(self, desired: DesiredState | Callable[[], DesiredState]) -> Changes:
        with self._lock, _as_backend_error():
            changes = Changes(_filter_bridged() + forwarding.accept_bridged())
            desired = desired() if callable(desired) else desired
            self._desired.replace(desired)
            local = [port for port in desired.ports if port.local]
            self._desired.served = self._dhcp_networks(port.id for port in local)
            self._read()
            changes.repaired += self._commit_all().changed
            changes.repaired += self._reconcile_bridges()
            changes.repaired += taps.replug(local)
            changes.repaired += self._trunks.reconcile(local)
            changes.repaired += self._shaping.reconcile(local)
            changes.repaired += self._reconcile_routers()
            changes.repaired += self._reconcile_dhcp()
            changes.repaired += self._remove_bridges()
            self._cut({network.id for network in desired.networks} | self._port_networks(), set())
            self._cut_zones()
            legs = [_as_port(leg) for router in desired.routers for leg in legs_of(router)]
            self._presence.expect_only([*local, *legs])
            return changes

    def port_present(self, port_id: str) -> bool:
        return self._presence.present(port_id)

    def watch(self, callback: PresenceCallback) -> Callable[[], None]:
        return self._presence.watch(callback)

    def capabilities(self) -> Capabilities:
        able = probe.able()
        routers = not able.routing
        return Capabilities(
            routers=routers,
            floating_ips=routers,
            qos=not able.shaping,
            dhcp=not able.dhcp,
            trunks=not able.tagging,
        )

    def check(self) -> list[Finding]:
        return doctor.findings()

    def _device(self, link: Link, there: bool) -> None:
        """A device of the host came, changed or went."""
        self._trunks.device(link, there)
        self._shaping.device(link, there)

    @property
    def _nft(self) -> Nft:
        if self._nft_instance is None:
            self._nft_instance = Nft()
        return self._nft_instance

    def _commit(self, owners: set[Owner], gone: set[str] | None = None) -> None:
        """Brings these owners' fragments into the kernel and cuts what they no longer allow."""
        old = fragments.merge(self._fragments.get(owner, Fragment()) for owner in owners)
        built = {owner: self._desired.build(owner) for owner in owners}
        new = fragments.merge(built.values())
        part = fragments.restrict(self._kernel, old, new)
        change = fragments.delta(part, new)
        try:
            self._nft.run(change.commands)
        except NftError as error:
            LOG.warning("The filters were not as expected, reading them anew: %s", error)
            self._read()
            change = self._commit_all()
        else:
            fragments.replace(self._kernel, part, new)
            self._fragments.update(built)
        if change.narrower or gone:
            self._cut(self._networks_of(owners), gone or set())
        if any(owner[0] == "network" and not fragment.elements for owner, fragment in built.items()):
            self._cut_zones()

    def _commit_all(self) -> Delta:
        """Brings everything desired into the kernel, given what `_read` found there."""
        self._fragments = {owner: self._desired.build(owner) for owner in self._desired.owners()}
        whole = fragments.merge(self._fragments.values())
        change = fragments.delta(self._kernel, whole)
        self._nft.run(change.commands)
        self._kernel = whole
        return change

    def _read(self) -> None:
        """Learns what the kernel has; makes the empty tables where they are missing."""
        self._nft.run([f"add table {family} {TABLE}" for family in FAMILIES])
        tables = (fragments.read(self._nft.list_table(family, TABLE)) for family in FAMILIES)
        self._kernel = fragments.merge(tables)
        zones = self._kernel.elements.get(("inet", "zones"), {})
        self._desired.zones = {int(zone): bridge for (bridge,), zone in zones.items()}

    def _networks_of(self, owners: set[Owner]) -> set[str]:
        found = {owner[-1] for owner in owners if owner[0] in ("network", "rules", "members")}
        ports = (self._desired.ports.get(owner[1]) for owner in owners if owner[0] == "port")
        return found | {port.network_id for port in ports if port is not None}

    def _port_networks(self) -> set[str]:
        return {port.network_id for port in self._desired.ports.values()}

    def _cut(self, networks: set[str], gone: set[str]) -> None:
        """Ends connections that no rule allows any more.

        To the kernel they are new then, and are judged as such. Only those: one that is still allowed would
        not survive being forgotten if its next packet is a reply.
        """
        judge = Judge(self._desired, networks, gone)
        if judge.zones:
            count = conntrack.cut(judge.doomed, judge.zones)
            if count:
                LOG.info("Cut %d connections that no rule allows any more", count)

    def _cut_zones(self) -> None:
        """Ends what connections are left of networks that are gone: another may get their zone."""
        zones = self._desired.drop_zones()
        if zones:
            conntrack.cut(lambda _: True, zones)

    def _external_bridges(self) -> list[str]:
        return [network.bridge for network in self._desired.networks.values() if network.external]

    def _dhcp_networks(self, port_ids: Iterable[str]) -> set[str]:
        """Networks of those among the ports that are served by DHCP here."""
        ports = (self._desired.ports.get(port_id) for port_id in port_ids)
        return {
            port.network_id for port in ports if port is not None and port.local and port.dhcp is not None
        }

    def _serve(self, network_id: str) -> list[str]:
        """Has a DHCP server in the network if a port needs one, else none."""
        network, ports = self._desired.networks.get(network_id), self._desired.dhcp_ports(network_id)
        if network is None or not ports:
            if network_id not in self._desired.served:
                return []
            self._desired.served.discard(network_id)
            self._dhcp.remove(network_id)
            self._commit({("dhcp", network_id)})
            return []
        if network_id not in self._desired.served:
            self._desired.served.add(network_id)
            self._commit({("dhcp", network_id)})
        return self._dhcp.serve(network, ports)

    def _reconcile_bridges(self) -> list[str]:
        lines = []
        for network in self._desired.networks.values():
            try:
                if hostnet.ensure_bridge(network.bridge, network.mtu):
                    lines.append(f"bridge {network.bridge}")
                lines += external.apply(network)
            except OSError as error:
                LOG.warning("The bridge %s could not be put right: %s", network.bridge, error)
        try:
            return lines + external.forward(self._external_bridges())
        except (OSError, subprocess.SubprocessError) as error:
            LOG.warning("The host does not forward for external networks: %s", error)
            return lines

    def _reconcile_routers(self) -> list[str]:
        lines = self._routers.remove_others(self._desired.routers)
        for router in self._desired.routers.values():
            try:
                lines += self._routers.apply(router, whole=True)
            except (OSError, NftError, ValueError) as error:  # one that fails does not keep the others
                LOG.warning("Router %s could not be put right: %s", router.id, error)
        return lines

    def _reconcile_dhcp(self) -> list[str]:
        unwanted = sorted(self._dhcp.networks() - self._desired.served)
        lines = [f"DHCP of network {key} was not wanted" for key in unwanted if self._dhcp.remove(key)]
        for network_id in sorted(self._desired.served):
            try:
                lines += self._serve(network_id)
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                LOG.warning("Network %s has no DHCP: %s", network_id, error)
        return lines

    def _remove_bridges(self) -> list[str]:
        wanted = {network.bridge for network in self._desired.networks.values()}
        used = {tap.bridge for tap in hostnet.list_taps("").values()}
        unwanted = [name for name in hostnet.list_bridges() if name not in wanted and name not in used]
        return [f"bridge {name} was not wanted" for name in unwanted if hostnet.delete_bridge(name)]


def _as_port(leg: RouterPort) -> PortState:
    """A router's leg, for those who watch whether ports are plugged."""
    return PortState(leg.port_id, leg.network_id, leg.mac_address)


class _as_backend_error:  # noqa: N801 - reads as a statement
    """Errors of the tools below leave as BackendError."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (NftError, OSError, ValueError, subprocess.SubprocessError)):
            raise BackendError(str(error)) from error


def _filter_bridged() -> list[str]:
    """Has bridged packets pass the IP filters, which is where connection state comes from.

    Returns what it changed.
    """
    if not BRIDGE_SETTINGS.exists():
        modprobe = shutil.which("modprobe", path=forwarding.PATH)
        if modprobe:
            subprocess.run([modprobe, "br_netfilter"], check=False, capture_output=True, timeout=30)
    if not BRIDGE_SETTINGS.exists():
        raise BackendError("the kernel module br_netfilter is missing: connections cannot be tracked")
    lines = []
    for name in CALLS:
        setting = BRIDGE_SETTINGS / name
        if setting.read_text().strip() != "1":
            setting.write_text("1\n")
            lines.append(name)
    return lines
