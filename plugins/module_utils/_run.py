# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge between Ansible and the library: the only code that holds the ``AnsibleModule`` besides ``main()``."""

from __future__ import annotations

import signal
import traceback
from typing import Any, Callable, Dict

from ._errors import DriverMissing, OpsError


def exit_module(module: Any, work: Callable[[], Dict[str, Any]]) -> None:
    """Run ``work`` and leave the module with its result, or with one clear message.

    ``warnings`` in the result are texts for the person at the terminal; Ansible shows them as such.
    A termination signal (a cancelled job, ``timeout``) becomes ``KeyboardInterrupt``, so that ``finally`` blocks
    release what they hold before the process ends.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        result = work()
    except OpsError as error:
        module.fail_json(msg=error.text)
    except KeyboardInterrupt:
        # What was finished before is not taken back: a service that was started runs.
        module.fail_json(
            msg="Interrupted. Locks, connections and unfinished files were given up, what was finished stays; "
            "run the task again to go on."
        )
    except Exception as error:  # a bug of ours: say so, keep the traceback where only -vvv shows it
        module.fail_json(
            msg="Unexpected {0}: {1}. This is a bug in analytics.ops; please report it with the output of -vvv.".format(
                type(error).__name__, error
            ),
            exception=traceback.format_exc(),
        )
    else:
        for text in result.pop("warnings", ()):
            module.warn(text)
        module.exit_json(**result)


def _interrupt(signal_number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def require_driver(name: str, package: str, debian: str = "") -> Any:
    """Import ``name`` now, or say what to install. Imported late: a driver costs 30 to 130 ms at every call.

    ``debian`` is the package of Debian and Ubuntu, empty where they have none.
    """
    import importlib
    import sys

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise DriverMissing(
            "The Python library {0} is not installed for {1} ({2}).".format(name, sys.executable, error),
            "Install it there: 'pip install {0}'{1}.".format(
                package, ", or the package {0} on Debian and Ubuntu".format(debian) if debian else ""
            ),
        ) from error
