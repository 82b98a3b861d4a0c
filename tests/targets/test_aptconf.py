"""apt's settings as data: what apt-config says of a text made here."""

import subprocess
from pathlib import Path

import pytest

from wua.model.problems import WuaError
from wua.targets import aptconf
from wua.targets.aptconf import Setting


def dumped(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "apt.conf"
    file.write_text(text)
    done = subprocess.run(
        ["/usr/bin/apt-config", "-c", str(file), "dump"],
        env=aptconf.ENV,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_written_list_replaces_the_one_that_apt_has(tmp_path: Path) -> None:
    settings = [Setting("APT::NeverAutoRemove::", "^mine$"), Setting("APT::NeverAutoRemove::", "^yours$")]
    said = [
        line for line in dumped(tmp_path, aptconf.text(settings)) if line.startswith("APT::NeverAutoRemove::")
    ]
    assert said == ['APT::NeverAutoRemove:: "^mine$";', 'APT::NeverAutoRemove:: "^yours$";']


def test_no_hook_is_left(tmp_path: Path) -> None:
    hooks = 'DPkg::Post-Invoke { "touch /x"; };\nAPT::Update::Post-Invoke-Success { "touch /y"; };\n'
    said = dumped(tmp_path, hooks + aptconf.clear_hooks())
    assert [line for line in said if "Invoke" in line and line.endswith('";') and '""' not in line] == []


def test_what_is_carried_over() -> None:
    settings = [
        Setting("Acquire::http::Proxy", "http://proxy:3128"),
        Setting("Acquire::IndexTargets::deb::DEP-11::DefaultEnabled", "false"),
        Setting("Acquire::Languages::", "none"),
        Setting("APT::Default-Release", "stable"),
        Setting("APT::Update::Post-Invoke::", "touch /x"),
        Setting("APT::Sandbox::User", "_apt"),
        Setting("APT::Architecture", "amd64"),
        Setting("APT::Empty", ""),
        Setting("DPkg::Post-Invoke::", "touch /x"),
        Setting("Dir::State", "/elsewhere"),
    ]
    names = [setting.name for setting in aptconf.carried(settings, ("Acquire::", "APT::"))]
    assert names == ["Acquire::http::Proxy", "Acquire::Languages::", "APT::Default-Release"]


def test_the_hosts_settings_are_read() -> None:
    settings = aptconf.host_settings()
    assert aptconf.value(settings, "dir::state::status").endswith("status")
    assert aptconf.value(settings, "No::Such", "default") == "default"


def test_a_machine_without_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError("/usr/bin/apt-config")

    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(WuaError, match="no apt"):
        aptconf.host_settings.__wrapped__()


def test_proxies() -> None:
    environment = {"https_proxy": "http://a", "NO_PROXY": "b", "HOME": "/c"}
    assert aptconf.proxies(environment) == {"https_proxy": "http://a", "NO_PROXY": "b"}
