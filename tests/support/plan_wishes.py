"""Wishes for the contract between plans and apt: the same thing said to wua and to apt-get.

The wishes on apt's side are worded as a person would, the answers are read here, by other code than wua's.
"""

import re
from typing import NamedTuple

from tests.support.apt_world import AptWorld

from wua.model.plans import Plan
from wua.testing.debian import Package

P = Package
Row = tuple[str, str, str, str, str]  # verb, name, architecture, before, after


def apt_says(world: AptWorld, *words: str) -> list[Row]:
    """What ``apt-get -s WORDS`` would do."""
    done = world.target.do(world.target.apt("apt-get", "-s", "-y", *words))
    rows: list[Row] = []
    for line in done.stdout.splitlines():
        verb, _, rest = line.partition(" ")
        if verb not in ("Inst", "Remv", "Purg"):
            continue
        name, _, architecture = rest.split()[0].partition(":")
        before = re.search(r"^\S+ \[([^\]]*)\]", rest)
        after = re.search(r"\((\S+)", rest)
        within = re.search(r"\[([^\]\s]+)\]\)", rest)
        rows.append(
            (
                verb,
                name,
                within[1] if within else architecture,
                before[1] if before else "",
                after[1] if after else "",
            )
        )
    return rows


def plan_says(plan: Plan) -> list[Row]:
    verbs = {"remove": "Remv", "purge": "Purg"}
    return [
        (verbs.get(i.change.value, "Inst"), i.name, i.architecture, i.from_version, i.to_version)
        for i in plan.items
    ]


def same(world: AptWorld, plan: Plan, *words: str) -> None:
    """Compare; apt leaves out the architecture of a removal that is native or "all"."""
    expected = apt_says(world, *words)
    found = [
        (verb, name, "" if verb != "Inst" and arch in ("all", "amd64") else arch, before, after)
        for verb, name, arch, before, after in plan_says(plan)
    ]
    assert found == expected
    assert expected, "a wish that changes nothing proves nothing"


def fill(world: AptWorld) -> None:
    """Two suites, several versions, every kind of relation, some of it installed."""
    world.repository(
        P("app", "1.0", depends="lib (>= 1), data", recommends="extra", suggests="never"),
        P("lib", "1.0", architecture="amd64", multi_arch="same"),
        P("lib", "1.0", architecture="i386", multi_arch="same"),
        P("data", "1:1.0-1"),
        P("extra", "1.0", depends="mta | mail"),
        P("postfix", "3.0", provides="mta", conflicts="mta"),
        P("exim", "4.0", provides="mta", conflicts="mta"),
        P("mailer", "1", depends="mta"),
        P("old", "1.0"), P("old", "1.5"), P("old", "0.9~rc1"),
        P("strict-dev", "1.0", depends="strict (= 1.0)"), P("strict", "1.0", architecture="amd64"),
        P("breaker", "1", breaks="lib (<< 2)"),
        P("never", "1"), P("leaf", "1", depends="middle"), P("middle", "1", depends="lib"),
        P("split", "1.0"), P("versioned", "1", depends="virtual (>= 2)"),
        P("giver", "5", provides="virtual (= 3)"),
        P("pre", "1", pre_depends="data"), P("foreign", "1", architecture="i386", depends="lib"),
        P("loop-a", "1", depends="loop-b"), P("loop-b", "1", depends="loop-a"),
        P("tilde", "1.0~beta"), P("moved", "1", architecture="amd64"), P("impossible", "1", depends="absent"),
        P("essential", "1", essential=True), P("conf", "1", conffiles={"/etc/conf": "1"}),
    )  # fmt: skip
    world.target.install(
        "app", "old=1.0", "strict-dev=1.0", "strict=1.0", "postfix", "leaf", "split", "tilde", "moved",
        "conf", "essential",
    )  # fmt: skip
    world.repository(
        P("app", "2.0", depends="lib (>= 2), data, new"), P("new", "1"),
        P("lib", "2.0", architecture="amd64", multi_arch="same"),
        P("lib", "2.0", architecture="i386", multi_arch="same"),
        P("strict-dev", "2.0", depends="strict (= 2.0)"), P("strict", "2.0", architecture="amd64"),
        P("split", "2.0", depends="split-data (= 2.0)"),
        P("split-data", "2.0", breaks="split (<< 2)", replaces="split"),
        P("tilde", "1.0"), P("moved", "2"), P("leaf", "2", conflicts="middle"),
        suite="stable-security", label="Debian-Security", codename="bookworm-security",
    )  # fmt: skip
    world.repository(
        P("app", "3.0~bpo1", depends="lib (>= 3)"),
        P("lib", "3.0~bpo1", architecture="amd64", multi_arch="same"),
        P("fresh", "9~bpo1"),
        suite="stable-backports", label="Debian Backports", codename="bookworm-backports",
        not_automatic=True, but_automatic_upgrades=True,
    )  # fmt: skip


class Wish(NamedTuple):
    """The same thing said to wua (updates as name=version) and to apt-get."""

    updates: str
    apt: str
    allow_removals: bool = False


WISHES = [
    Wish("new=1", "install new"),
    Wish("app=2.0", "install app"),
    Wish("lib:amd64=2.0", "install lib"),
    Wish("lib:i386=2.0", "install lib:i386"),
    Wish("foreign:i386=1", "install foreign:i386"),
    Wish("mailer=1", "install mailer"),
    Wish("exim=4.0", "install exim", allow_removals=True),
    Wish("old=1.5", "install old"),
    Wish("old=0.9~rc1", "install old=0.9~rc1 --allow-downgrades"),
    Wish("strict-dev=2.0", "install strict-dev"),
    Wish("strict:amd64=2.0", "install strict", allow_removals=True),
    Wish("strict-dev=2.0 strict:amd64=2.0", "install strict-dev strict"),
    Wish("breaker=1", "install breaker"),
    Wish("split=2.0", "install split"),
    Wish("split-data=2.0", "install split-data"),
    Wish("versioned=1", "install versioned"),
    Wish("pre=1", "install pre"),
    Wish("loop-a=1", "install loop-a"),
    Wish("tilde=1.0", "install tilde"),
    Wish("moved=2", "install moved"),
    Wish("leaf=2", "install leaf", allow_removals=True),
    Wish("fresh=9~bpo1", "install fresh"),
    Wish("app=3.0~bpo1 lib:amd64=3.0~bpo1", "install app=3.0~bpo1 lib=3.0~bpo1"),
    Wish("never=1 giver=5 loop-b=1 pre=1", "install never giver loop-b pre"),
    Wish(
        "app=2.0 lib:amd64=2.0 strict-dev=2.0 strict:amd64=2.0 split=2.0 tilde=1.0 moved=2 old=1.5",
        "install app lib strict-dev strict split tilde moved old",
    ),
]
