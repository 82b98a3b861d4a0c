"""Calls functions of Salt's Windows Update modules, as Salt's loader would; run it with ``wua script``.

The first argument is JSON: a list of [module, function, arguments, named arguments], where module is
"win_wua" or "state". Prints a list of what each answered, or of {"error", "text"}. All that is arranged for
Salt is that it takes this system for Windows, with services that are not disabled; its modules are its own.
"""

import json
import sys

import salt.modules.win_wua
import salt.states.win_wua
import salt.utils.platform
import salt.utils.win_service
import salt.utils.win_update

salt.utils.platform.is_windows = lambda: True
salt.utils.win_service.info = lambda name: {"StartType": "Manual"}
MODULES = {"win_wua": salt.modules.win_wua, "state": salt.states.win_wua, "util": salt.utils.win_update}


def load():
    """What the loader does: ask each module whether it may be used, and give it its options."""
    for name, module in MODULES.items():
        answer = module.__virtual__()
        if isinstance(answer, tuple):  # (False, why not)
            sys.exit(f"{name}: {answer}")
    salt.states.win_wua.__opts__ = {"test": False}


def call(module, function, arguments, named):
    salt.states.win_wua.__opts__["test"] = named.pop("test", False)
    try:
        return getattr(MODULES[module], function)(*arguments, **named)
    except salt.exceptions.CommandExecutionError as failure:
        return {"error": type(failure).__name__, "text": str(failure)}


load()
print(json.dumps([call(*each) for each in json.loads(sys.argv[1])], default=sorted))
