"""The commands of the apt handler: simulation, download, transaction, marks.

One function gives the words that decide *what* happens, and both the simulation and the real
run use it, so that a plan cannot mean one thing and its application another.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wua.model.enums import ConffilePolicy
from wua.model.plans import Change, Plan, PlanRequest
from wua.model.plugins import Command, DebianTarget
from wua.model.struct import replace

# Why the resolver did what it did; goes to standard error and changes nothing.
_DEBUG: Final = ("-o", "Debug::pkgDepCache::AutoInstall=1", "-o", "Debug::pkgProblemResolver=1")

_STATUS: Final = ("-o", "APT::Status-Fd={status}", "-o", "APT::Keep-Fds::={status}")

_CONFFILES: Final = {
    # confdef takes dpkg's own answer where there is one, confold answers the real questions
    ConffilePolicy.KEEP: ("--force-confdef", "--force-confold"),
    ConffilePolicy.TAKE: ("--force-confnew",),
    # questions were looked for before the run; should one come up all the same, it must not wait
    ConffilePolicy.STOP: ("--force-confdef", "--force-confold"),
}


def deciding(request: PlanRequest, *, downgrades: bool) -> tuple[str, ...]:
    """The options that decide what a request comes to. What is not here is the target's configuration.

    Nothing is removed only because it is no longer needed: wua removes what its plan names.
    """
    options = ["-y", "-q", "-o", "APT::Get::AutomaticRemove=false"]
    if downgrades:
        options.append("--allow-downgrades")
    if request.reinstall:
        options.append("--reinstall")
    if request.purge:
        options.append("--purge")
    return tuple(options)


def simulate(target: DebianTarget, request: PlanRequest, words: Sequence[str]) -> Command:
    """``apt-get -s``; a downgrade is shown rather than refused."""
    options = deciding(request, downgrades=True)
    return target.apt("apt-get", "-s", *options, *_DEBUG, "install", *words)


def print_uris(target: DebianTarget, request: PlanRequest, words: Sequence[str]) -> Command:
    """Where apt would fetch each file from, with SHA-256.

    apt leaves out what lies in its archives already, so it is told to look for them where nothing is.
    """
    options = deciding(request, downgrades=True)
    all_files = ("-o", "Dir::Cache::archives=/nonexistent/", "-o", "Acquire::ForceHash=SHA256")
    return target.apt("apt-get", "--print-uris", *all_files, *options, "install", *words)


def download(target: DebianTarget, plan: Plan) -> Command:
    """Fetch the plan's files into apt's archives, one fetch of ours at a time.

    apt would want dpkg's lock for it, and fail while another package manager works. flock(1) becomes
    apt-get itself, without a process between.
    """
    options = ("-o", "Debug::NoLocking=true", "--download-only")
    fetch = target.fetch(*deciding(plan.request, downgrades=True), *_STATUS, *options, "install", *plan.words)
    cache = Path(target.paths.cache)
    cache.mkdir(parents=True, exist_ok=True)
    return replace(fetch, argv=("/usr/bin/flock", "--no-fork", str(cache / "fetch.lock"), *fetch.argv))


def transaction(target: DebianTarget, plan: Plan) -> Command:
    """The one apt-get run that applies a plan. It fetches nothing and asks nothing."""
    downgrades = any(item.change is Change.DOWNGRADE for item in plan.items)
    return target.act(
        "apt-get",
        *deciding(plan.request, downgrades=downgrades),
        "--no-download",
        *_STATUS,
        *("-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=60"),
        *_conffile_options(plan.request),
        "install",
        *run_words(target, plan),
    )


def repair_options(request: PlanRequest) -> tuple[str, ...]:
    """Options of an apt-get that mends: it asks nothing, and treats configuration files as the plan does."""
    return ("-y", "-q", *_STATUS, "-o", "Dpkg::Use-Pty=0", *_conffile_options(request))


def dpkg_conffile_options(request: PlanRequest) -> tuple[str, ...]:
    """The same policy for a call of dpkg itself."""
    return _CONFFILES[request.conffiles]


def _conffile_options(request: PlanRequest) -> tuple[str, ...]:
    options = _CONFFILES[request.conffiles]
    return tuple(word for option in options for word in ("-o", f"DPkg::Options::={option}"))


def run_words(target: DebianTarget, plan: Plan) -> tuple[str, ...]:
    """The plan's words with each local .deb replaced by its verified copy in apt's archives."""
    copies = {item.local: str(target.archives_dir / item.file) for item in plan.items if item.local}
    return tuple(copies.get(word, word) for word in plan.words)


def restore_marks(target: DebianTarget, plan: Plan) -> Command | None:
    """Mark again as automatic what ``install name=version`` has made manual; None when there is nothing.

    Only packages that were named and installed before need it: apt itself marks what it adds, before it
    calls dpkg. All of them are in dpkg's database whatever became of the run, so apt can do without its
    lists, which take most of its time. Repeating it does no harm: it also runs after a killed transaction.
    """
    words = set(plan.words)
    names = [
        item.qualified
        for item in plan.items
        if item.automatic
        and item.from_version
        and item.to_version
        and (f"{item.qualified}={item.to_version}" in words or item.local in words)
    ]
    without_lists = ("-o", "Dir::State::lists=/nonexistent/")
    return target.act("apt-mark", *without_lists, "auto", *names) if names else None
