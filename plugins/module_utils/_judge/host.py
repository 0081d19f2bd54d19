# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All checks of a machine: ``CHECKS``. Each subject has a file of its own, which registers its checks there."""

from __future__ import annotations

from . import host_devices, host_disks, host_memory, host_processor, host_system
from .host_facts import CHECKS

SUBJECTS = (host_processor, host_memory, host_disks, host_devices, host_system)

__all__ = ["CHECKS", "SUBJECTS"]
