"""The failure table, row by row.

``SEEN`` rows are provoked by a real failing run in test_apt_bad_runs.py or test_apt_repair.py, and the
text here is what that run printed. ``RECORDED`` rows stand for what a small root cannot provoke:
their texts are those of apt 2.6 and dpkg 1.21 (from their message catalogues).
"""

import pytest

from wua.handlers.apt_failures import TABLE, Row, classify, is_known

SEEN = [
    ("end of file on stdin at conffile prompt", "conffile-stop", 0),
    (
        "installed bad package post-installation script subprocess returned error exit status 3",
        "script-failed",
        3,
    ),
    (
        "installed bad package post-installation script subprocess was killed by signal (Killed)",
        "script-failed",
        128,
    ),
    ("there is no script in the new version of the package - giving up", "script-failed", 0),
    ("trying to overwrite '/usr/share/one', which is also in package first 1", "package-failed", 0),
    ("dependency problems - leaving unconfigured", "dependency-failed", 0),
    ("package architecture (s390x) does not match system (amd64)", "package-failed", 0),
    ("dpkg-deb --fsys-tarfile subprocess returned error exit status 2", "content-mismatch", 0),
    (
        "package is in a very bad inconsistent state; you should reinstall it before attempting",
        "system-interrupted",
        0,
    ),
    ("E: Could not get lock /x/lock-frontend. It is held by process 7 (python)", "lock-held", 0),
    ("E: Failed to fetch http://h/bad_1_all.deb  404  Not Found [IP: ::1 80]", "download-failed", 0),
    ("E: Failed to fetch http://h/bad_1_all.deb  Hash Sum mismatch", "content-mismatch", 0),
    ("E: Failed to fetch http://h/bad_1_all.deb  407  Proxy Authentication Required", "download-failed", 0),
    ("E: Failed to fetch http://h/a_1_all.deb  Could not connect to 127.0.0.1:1", "no-network", 0),
    ("sh: 2: echo: echo: I/O error /bin/echo: write error: No space left on device", "disk-full", 0),
]

RECORDED = [
    ("E: You don't have enough free space in /var/cache/apt/archives/.", "disk-full", 0),
    ("cannot copy extracted data for './usr/x' to '/usr/x.dpkg-new': Disk quota exceeded", "disk-full", 0),
    ("unable to create '/usr/bin/x.dpkg-new': Read-only file system", "target-unusable", 0),
    ("pre-dependency problem - not installing a", "dependency-failed", 0),
    ("conflicting packages - not installing a", "package-failed", 0),
    ("error setting ownership of './usr/bin/man': Operation not permitted", "access-denied", 0),
    (
        "unable to create '/usr/bin/x.dpkg-new' (while processing './usr/bin/x'): Permission denied",
        "access-denied",
        0,
    ),
    ("E: Sub-process /usr/bin/dpkg exited unexpectedly", "installer-killed", 0),
    ("E: Sub-process /usr/bin/dpkg received a segmentation fault.", "installer-killed", 0),
    ("dpkg: error: dpkg frontend lock was locked by another process with pid 7", "lock-held", 0),
    ("dpkg: error: dpkg database lock was locked by another process with pid 7", "lock-held", 0),
    (
        "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?",
        "access-denied",
        0,
    ),
    (
        "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)",
        "access-denied",
        0,
    ),
    ("dpkg: error: requested operation requires superuser privilege", "access-denied", 0),
    (
        "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.",
        "system-interrupted",
        0,
    ),
    (
        "E: Unmet dependencies. Try 'apt --fix-broken install' with no packages (or specify a solution).",
        "system-interrupted",
        0,
    ),
    ("dpkg: error: parsing file '/var/lib/dpkg/status' near line 7: garbage", "target-unusable", 0),
    ("E: Failed to fetch http://h/a_1_all.deb  Temporary failure resolving 'h'", "no-network", 0),
    (
        "E: Failed to fetch https://h/a.deb  Certificate verification failed: NOT trusted.",
        "source-refused",
        0,
    ),
    (
        "E: There were unauthenticated packages and -y was used without --allow-unauthenticated",
        "source-refused",
        0,
    ),
    ("E: Version '2' for 'a' was not found", "plan-stale", 0),
    ("E: Held packages were changed and -y was used without --allow-change-held-packages.", "plan-stale", 0),
    ("dpkg: error: fork failed: Cannot allocate memory", "installer-failed", 0),
]


@pytest.mark.parametrize(("text", "kind", "unmapped"), SEEN + RECORDED)
def test_row(text: str, kind: str, unmapped: int) -> None:
    found = classify(text, default="unexpected")
    assert (found.id, found.unmapped, found.seen) == (kind, unmapped, text)
    assert found.next_step
    assert is_known(text)


def test_no_row_without_a_text() -> None:
    hit = {first_row(text) for text, _, _ in SEEN + RECORDED}
    assert [row.pattern.pattern for row in TABLE if row not in hit] == []


def first_row(text: str) -> Row | None:
    return next((row for row in TABLE if row.pattern.search(text)), None)


def test_what_no_row_knows_keeps_its_words_and_code() -> None:
    found = classify("E: something quite new", default="installer-failed", exit_code=100)
    assert (found.id, found.unmapped, found.seen) == ("installer-failed", 100, "E: something quite new")
    assert not is_known("E: something quite new")
