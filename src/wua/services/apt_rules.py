"""Everything that candidates hang on beside the packages: archives, pins, phasing, options."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from wua.applicability.archives import STATUS, Archive
from wua.applicability.expressions import CannotEvaluate
from wua.applicability.phasing import PhasingRules
from wua.applicability.policy import Policy, release_exists
from wua.applicability.preferences import Broken, Pin, read_pins
from wua.metadata.deb822 import locate
from wua.model.plugins import Command, OsFacts
from wua.services.apt_config import entries, machine_id_path
from wua.services.apt_world import AptConfig, StoredIndex
from wua.system.run import run


class Rules(NamedTuple):
    """Everything that candidates hang on, the packages apart."""

    archives: tuple[Archive, ...]
    pins: tuple[Pin, ...]
    native: str
    architectures: tuple[str, ...]
    default_release: str
    phasing: PhasingRules
    problem: str
    os: tuple[object, ...]

    def digest(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()


def archive_of(stored: StoredIndex) -> Archive:
    """What an index is to pins."""
    facts, target = stored.release, stored.target
    return Archive(
        site=target.host,
        suite=facts.suite,
        codename=facts.codename,
        version=facts.version,
        origin=facts.origin,
        label=facts.label,
        component=target.component,
        architecture=target.architecture,
        not_automatic=facts.not_automatic,
        but_automatic_upgrades=facts.but_automatic_upgrades,
    )


def make_rules(
    config: AptConfig, indexes: Sequence[StoredIndex], os_facts: OsFacts
) -> tuple[Rules, list[str]]:
    """The rules of a configuration, and what is to be said about it."""
    archives = tuple(archive_of(index) for index in indexes)
    pins, problem, warnings = _pins(config)
    default = config.option("APT::Default-Release")
    try:
        if default and not release_exists(default, (*archives, STATUS)):
            warnings.append(
                f"apt refuses to work: the value '{default}' is invalid for APT::Default-Release, "
                "as such a release is not available in the sources"
            )
            default = ""
    except CannotEvaluate as only_apt:
        problem = problem or str(only_apt)
    rules = Rules(
        archives=archives,
        pins=pins,
        native=config.native,
        architectures=tuple(config.lists.get("apt::architectures", ())),
        default_release=default,
        phasing=phasing_rules(config, phased=any(index.phased for index in indexes)),
        problem=problem or config.problem,
        os=(os_facts.id, os_facts.version, os_facts.title),
    )
    return rules, warnings


def make_policy(rules: Rules) -> tuple[Policy | None, str]:
    """The policy, or None and what it is that only apt understands."""
    if rules.problem:
        return None, rules.problem
    try:
        archives = (*rules.archives, STATUS)
        return Policy(archives, rules.pins, native=rules.native, default_release=rules.default_release), ""
    except CannotEvaluate as only_apt:
        return None, str(only_apt)


def phasing_rules(config: AptConfig, *, phased: bool) -> PhasingRules:
    """What is configured; ``phased`` says that any index has phased updates, so that it matters."""
    machine_id = config.option("APT::Machine-ID")
    if not machine_id:
        try:
            machine_id = (
                Path(machine_id_path(config.options)).read_text("utf-8", "replace").partition("\n")[0]
            )
        except OSError:
            machine_id = ""
    return PhasingRules(
        machine_id=machine_id,
        always=_either(config, "Always-Include-Phased-Updates"),
        never=_either(config, "Never-Include-Phased-Updates"),
        by_policy=config.flag("APT::Get::Phase-Policy"),
        chroot=phased and _in_chroot(config),
    )


def _in_chroot(config: AptConfig) -> bool:
    """As apt finds it out."""
    program = config.option("Dir::Bin::ischroot") or "/usr/bin/ischroot"
    return run(Command((program,), {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})).exit == 0


def _either(config: AptConfig, name: str) -> bool:
    return config.flag(f"APT::Get::{name}") or config.flag(f"Update-Manager::{name}")


def _pins(config: AptConfig) -> tuple[tuple[Pin, ...], str, list[str]]:
    """Pins of the preferences files, what only apt understands of them, warnings."""
    try:
        return tuple(read_pins(_records_of(config))), "", []
    except Broken as refused:
        return (), "", [f"apt refuses to work: {refused}"]


def _records_of(config: AptConfig) -> Iterable[tuple[str, int, Mapping[str, str]]]:
    for path in preference_files(config):
        try:
            text = Path(path).read_text("utf-8", "replace")
        except OSError:
            continue
        for found in locate(text):
            yield path, found.line, found.fields


def preference_files(config: AptConfig) -> list[str]:
    """The preferences files in the order of their weight: the first pin that matches counts."""
    files = [path] if (path := config.path("Dir::Etc::preferences")) and os.path.isfile(path) else []
    folder = config.path("Dir::Etc::preferencesparts")
    for name in entries(folder) if folder else ():
        extension = name.rpartition(".")[2] if "." in name else ""
        plain = all(c.isascii() and (c.isalnum() or c in "-_.") for c in name)
        if extension in ("", "pref") and plain and not name.startswith("."):
            files.append(os.path.join(folder, name))
    return files
