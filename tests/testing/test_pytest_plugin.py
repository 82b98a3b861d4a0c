"""The fixtures, as a test of somebody else's program uses them."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

SCRIPT = """
import win32com.client

def main():
    session = win32com.client.Dispatch("Microsoft.Update.Session")
    updates = session.CreateUpdateSearcher().Search("IsInstalled=0").Updates
    downloader, installer = session.CreateUpdateDownloader(), session.CreateUpdateInstaller()
    downloader.Updates = installer.Updates = updates
    downloader.Download()
    return installer.Install().ResultCode
"""


def passes(pytester: pytest.Pytester, source: str, **outcomes: int) -> pytest.RunResult:
    pytester.makepyfile(source)
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-W", "error")
    result.assert_outcomes(**(outcomes or {"passed": 1}))
    return result


def test_a_machine_is_what_a_script_means(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(patch=SCRIPT)
    passes(
        pytester,
        """
        import sys
        from wua.testing import SimulatedUpdate

        def test_it(wua_machine, win32com):
            wua_machine.offer(SimulatedUpdate("editor", "2.0"), SimulatedUpdate("bad", exit=1))
            import patch
            assert patch.main() == 3
            assert wua_machine.installed == {"editor": "2.0"}

        def test_it_is_gone_afterwards():
            assert "win32com" not in sys.modules

        def test_the_next_one_begins_anew(wua_machine, win32com):
            assert wua_machine.installed == {}
            assert win32com.client.Dispatch("Microsoft.Update.SystemInfo").RebootRequired is False
        """,
        passed=3,
    )


def test_programs_that_are_started_mean_it_too(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import subprocess
        import sys
        import threading
        from wua.testing import SimulatedUpdate
        from wua.api.current import current

        def test_it(wua_machine):
            wua_machine.offer(SimulatedUpdate("editor", "2.0"))
            words = [sys.executable, "-m", "wua", "search", "--color=never"]
            assert "editor" in subprocess.run(words, capture_output=True, text=True, check=True).stdout
            found = []
            thread = threading.Thread(target=lambda: found.append(current()))
            thread.start()
            thread.join()
            assert found == [wua_machine.agent]
        """,
    )


def test_session_recorder_and_clock_belong_together(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        from wua.testing import SimulatedUpdate

        def test_it(wua_machine, wua_session, wua_clock, wua_recorder):
            wua_machine.offer(SimulatedUpdate("slow", duration=3600), downloaded=True)
            installer = wua_session.CreateUpdateInstaller()
            installer.Updates = wua_session.CreateUpdateSearcher().Search("").Updates
            job = installer.BeginInstall(None, wua_recorder, None)
            wua_clock.awaited()
            assert not job.IsCompleted
            wua_clock.advance(3600)
            wua_recorder.wait()
            assert installer.EndInstall(job).ResultCode == 2
        """,
    )


def test_a_test_that_fails_leaves_nothing_behind(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import pytest
        from wua.system.process import ProcessRef
        from wua.testing import SimulatedUpdate

        left = []

        @pytest.mark.xfail(strict=True)
        def test_it(wua_machine):
            wua_machine.offer(SimulatedUpdate("slow", gate="gate"))
            gate = wua_machine.gate("gate")
            wua_machine.agent.install("slow")
            gate.reached()
            left.extend([wua_machine.root, ProcessRef.of(wua_machine.agent.info().host_pid)])
            raise AssertionError

        def test_what_is_left():
            root, host = left
            assert not root.exists()
            assert not host.alive()
        """,
        passed=1,
        xfailed=1,
    )


def test_a_small_debian(pytester: pytest.Pytester) -> None:
    result = passes(
        pytester,
        """
        from wua.testing.debian import Package, Status

        def test_it(wua_debian, wua_recorder):
            wua_debian.publish(Package("hello", "1.0", files={"/usr/share/hello": "Hello"}))
            session = wua_debian.session()
            search = "IsInstalled=0 and DeploymentAction='OptionalInstallation'"
            installer, downloader = session.CreateUpdateInstaller(), session.CreateUpdateDownloader()
            installer.Updates = downloader.Updates = session.CreateUpdateSearcher().Search(search).Updates
            assert [update.Title for update in installer.Updates] == ["hello 1.0 (all)"]
            wua_debian.faults.on("*.deb", Status(404), times=1)
            assert downloader.Download().ResultCode == 4
            assert downloader.Download().ResultCode == 2
            installer.BeginInstall(None, wua_recorder, None)
            assert installer.EndInstall(wua_recorder.wait().job).ResultCode == 2
            (file,) = wua_debian.root.rglob("usr/share/hello")
            assert file.read_text() == "Hello"
        """,
    )
    assert "skipped" not in result.stdout.str()


def test_it_imports_nothing_until_it_is_asked() -> None:
    program = "import sys, wua.testing.pytest_plugin; print(*[m for m in sys.modules if m.startswith('wua')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["wua", "wua.testing", "wua.testing.pytest_plugin"]


def test_it_can_be_left_out(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(wua_machine): pass")
    pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:wua").assert_outcomes(errors=1)


def test_where_pywin32_is_the_test_is_skipped(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(pythoncom="")
    passes(pytester, "def test_it(win32com): pass", skipped=1)
