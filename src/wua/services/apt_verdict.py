"""Why an update stands as it does: each reason with the file or program that says so."""

from collections.abc import Iterator
from typing import Final

from wua.applicability.debian_version import compare
from wua.applicability.policy import DOWNGRADE, Choice, Policy
from wua.model.enums import DeploymentAction
from wua.model.updates import Reason, Verdict
from wua.services.apt_ask import ask_candidates
from wua.services.apt_config import machine_id_path
from wua.services.apt_content import divided
from wua.services.apt_offers import is_security
from wua.services.apt_packages import Entry, Package
from wua.services.apt_stanzas import contents
from wua.services.apt_view import View
from wua.store.catalogue import KnownOffer

_APT: Final = "apt-cache policy"


def verdict(view: View, known: KnownOffer, *, marked: bool) -> Verdict:
    """All reasons of one known version; ``marked`` says that wua's own list hides it."""
    return Verdict(known.offer, tuple(_Reasons(view, known, marked=marked).all()))


class _Reasons:
    def __init__(self, view: View, known: KnownOffer, *, marked: bool) -> None:
        self._view = view
        self._known = known
        self._offer = known.offer
        self._marked = marked
        policy, self._only_apt = view.policy
        package = view.package(known)
        if policy is not None and package.is_ambiguous:
            package = divided(package, contents(view.target, view.packages.indexes, [package]))
        self._package: Package = package
        self._policy: Policy | None = policy
        self._choice = self._candidate()

    def _candidate(self) -> Choice | None:
        package = self._package
        if self._policy is not None:
            versions = self._view.packages.known(package)
            return self._policy.candidate(package.name, package.architecture, versions, package.current)
        key = self._view.packages.key(package.name, package.architecture)
        version = ask_candidates(self._view.target, [key]).get(key, "")
        return Choice(0, version, 0) if version else None

    def all(self) -> Iterator[Reason]:
        yield self._installed()
        yield self._of_candidate()
        yield from self._sources()
        yield from self._pinned()
        yield from self._held()
        yield from self._hidden()
        yield from self._phased()
        yield from self._superseded()
        yield from self._security()
        yield from self._excluded()

    def _installed(self) -> Reason:
        package, status = self._package, str(self._view.status)
        record = package.record
        if record is None or not package.current:
            left = record is not None and record.state == "config-files"
            text = f"{package.name} is not installed{'; its configuration files are' if left else ''}."
            return Reason("installed", "", text, status)
        text = f"{package.name} {record.version} is {record.state}."
        return Reason("installed", record.version, text, status)

    def _of_candidate(self) -> Reason:
        name, choice = self._package.name, self._choice
        if choice is None:
            return Reason("candidate", "", f"apt would install no version of {name}.", _APT)
        priority = f" with priority {choice.priority}" if self._policy is not None else ""
        return Reason(
            "candidate", choice.version, f"apt's candidate of {name} is {choice.version}{priority}.", _APT
        )

    def _entries(self) -> list[tuple[int, Entry]]:
        version = self._offer.version
        return [(at, entry) for at, entry in enumerate(self._package.entries) if entry.version == version]

    def _sources(self) -> Iterator[Reason]:
        for _, entry in self._entries():
            for stanza in entry.stanzas:
                stored = self._view.world.indexes[stanza.place]
                archive = self._view.index(stanza).archive
                name = archive.suite or archive.codename or stored.target.release
                text = f"{entry.version} is in {stored.target.site} {name}/{archive.component}"
                if self._policy is not None:
                    text += f", an archive with priority {self._policy.priorities[stanza.place]}"
                    if archive.not_automatic:
                        text += " that is not used automatically"
                yield Reason("source", archive.label, f"{text}.", stored.path)

    def _pinned(self) -> Iterator[Reason]:
        policy, package = self._policy, self._package
        if policy is None:
            text = f"Only apt itself understands {self._only_apt}, so it was asked."
            yield Reason("pinned", "", text, "apt's configuration")
            return
        versions = self._view.packages.known(package)
        for at, entry in self._entries():
            current = entry.in_status and entry.version == package.current
            priority, pin = policy.priority(package.name, package.architecture, versions[at], current=current)
            if pin is not None:
                text = f"The pin {pin} gives this version the priority {priority}."
                yield Reason("pinned", str(priority), text, pin.where)
            for stanza in entry.stanzas:
                if (general := policy.general[stanza.place]) is not None:
                    text = f"The pin {general} gives its archive the priority {general.priority}."
                    yield Reason("pinned", str(general.priority), text, general.where)

    def _held(self) -> Iterator[Reason]:
        record = self._package.record
        if record is not None and record.held:
            text = f"{record.name} is on hold: it stays at {record.version} until the hold is released."
            yield Reason("held", record.version, text, str(self._view.status))

    def _hidden(self) -> Iterator[Reason]:
        if self._marked:
            yield Reason("hidden", "1", "This update was hidden with wua.", "wua")
        if self._known.held:
            yield Reason(
                "hidden", "1", "It is hidden because its package is on hold.", str(self._view.status)
            )

    def _phased(self) -> Iterator[Reason]:
        for _, entry in self._entries():
            if (percent := self._view.packages.percent(entry)) < 100:
                late = self._offer.deployment_action == DeploymentAction.DETECTION
                text = (
                    f"{entry.version} is being phased in, for {percent} % of machines so far; this machine "
                    + ("is not among them yet." if late else "does not wait for it.")
                )
                where = machine_id_path(self._view.world.config.options)
                yield Reason("phased", str(percent), text, where)

    def _superseded(self) -> Iterator[Reason]:
        choice = self._choice
        if choice is not None and compare(self._offer.version, choice.version) < 0:
            text = f"{self._offer.version} is superseded by {choice.version}."
            yield Reason("superseded", choice.version, text, _APT)

    def _security(self) -> Iterator[Reason]:
        for _, entry in self._entries():
            for stanza in entry.stanzas:
                archive = self._view.index(stanza).archive
                if is_security(archive):
                    text = (
                        f"{entry.version} comes from a security archive ({archive.suite}, {archive.label})."
                    )
                    yield Reason("security", "1", text, self._view.world.indexes[stanza.place].release_path)
                    return

    def _excluded(self) -> Iterator[Reason]:
        version, current = self._offer.version, self._package.current
        if not any(entry.stanzas for _, entry in self._entries()):
            yield Reason(
                "excluded", "", f"No source has {version} (any more).", str(self._view.target.lists_dir)
            )
        if self._known.offered or self._policy is None:
            return
        yield Reason("excluded", "", self._why_not(version, current), _APT)

    def _why_not(self, version: str, current: str) -> str:
        assert self._policy is not None
        package = self._package
        versions = self._view.packages.known(package)
        at, entry = self._entries()[0]
        is_current = entry.in_status and version == current
        priority, _ = self._policy.priority(
            package.name, package.architecture, versions[at], current=is_current
        )
        if priority <= 0:
            return f"Its priority {priority} keeps {version} from being installed."
        if current and priority < DOWNGRADE and compare(version, current) < 0:
            return (
                f"{version} is older than the installed {current}; apt goes back only from priority 1000 on."
            )
        if self._choice is None:
            return f"apt would not install {version}."
        return f"apt prefers {self._choice.version}, which has the priority {self._choice.priority}."
