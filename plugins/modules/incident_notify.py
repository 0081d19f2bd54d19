#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incident_notify
short_description: Tell people about an incident, through every channel that wants its severity, at once
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Sends one message to chats (Slack and what is compatible with it, Teams), by e-mail, to PagerDuty and to any
    webhook, to all of them at the same time.
  - A channel that is dead, slow or wrongly declared costs at most O(timeout) seconds, is the finding
    C(incident.channel), and never a failure - the emergency goes on.
  - What may be otherwise in a moment - a refused connection, HTTP status 429 and 503, an SMTP status 4xx - is tried
    again within that time. C(Retry-After) is kept to.
  - Secrets in the message are masked as far as they can be known for such. In no channel does a text become a link, a
    mention or markup. Neither addresses of webhooks nor tokens stand in a result.
  - Proxies are taken from the environment, as C(HTTPS_PROXY).
extends_documentation_fragment:
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Tells who would be told, and sends nothing.
  diff_mode:
    support: none
options:
  channels:
    description: Where to tell it.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the channel is called in reports.
        type: str
        required: true
      kind:
        description:
          - V(slack) for Slack and what takes its messages (Mattermost, Rocket.Chat), V(teams) for a webhook of the
            Workflows of Microsoft Teams, V(email), V(pagerduty) for the Events API v2.
          - V(webhook) gets a JSON object with C(incident), C(event), C(severity), C(title), C(text), C(link) and
            C(source), as a gateway for text messages or a status page takes it.
        type: str
        required: true
      min_severity:
        description: It wants what is at least so severe, of V(P0) to V(P3).
        type: str
        default: P3
      url:
        description: The address of the webhook; for V(kind=pagerduty) another one than that of PagerDuty itself.
        type: str
      token:
        description: The routing key of PagerDuty; for webhooks a bearer token.
        type: str
      ca_certs:
        description: A file with the authorities to trust, instead of those of the system.
        type: path
      host:
        description: The mail server.
        type: str
      port:
        description: Its port. Without it 25, or 465 for V(secure=always).
        type: int
      secure:
        description:
          - V(always) speaks TLS from the beginning, V(starttls) turns to it and insists on that, V(try) turns to it
            when it is offered, V(never) does not.
          - V(try) never sends a password without encryption, and verifies the certificate only then.
        type: str
        default: try
      username:
        description: The user to log in as at the mail server.
        type: str
      password:
        description: The password of that user.
        type: str
      sender:
        description: Who the mail is from.
        type: str
      to:
        description: Who gets it.
        type: list
        elements: str
  incident:
    description:
      - What ties the messages of one incident together, such as RV(analytics.ops.incident_record#module:incident.id).
        In PagerDuty it is the C(dedup_key), so that the end resolves what the beginning triggered.
    type: str
    required: true
  event:
    description: Whether the incident begins, goes on or is over.
    type: str
    choices: [opened, updated, closed]
    default: updated
  severity:
    description: How severe it is.
    type: str
    choices: [P0, P1, P2, P3]
    default: P0
  title:
    description: What it is about, in a line.
    type: str
    required: true
  text:
    description: What there is to say.
    type: str
    default: ""
  link:
    description: Where to read more.
    type: str
    default: ""
  source:
    description: Who says so. Without it the name of the machine the module runs on.
    type: str
  timeout:
    description: Seconds that a channel may take, tries included.
    type: float
    default: 5.0
  retries:
    description: How often it is tried again at most.
    type: int
    default: 2
requirements:
  - requests (the Python library, on the host the module runs on)
seealso:
  - module: analytics.ops.incident_record
"""

EXAMPLES = r"""
- name: Tell everybody who wants to know of a P1
  analytics.ops.incident_notify:
    channels:
      - {name: ops-chat, kind: slack, url: "{{ vault_slack_url }}"}
      - {name: on-call, kind: pagerduty, token: "{{ vault_routing_key }}", min_severity: P1}
      - name: team
        kind: email
        host: smtp.example.com
        sender: ops@example.com
        to: [team@example.com]
    incident: 2026-11-30-checkout
    event: opened
    severity: P1
    title: Nobody can check out
  delegate_to: localhost
  run_once: true

- name: Tell that it is over
  analytics.ops.incident_notify:
    channels: "{{ analytics_ops_channels }}"
    incident: 2026-11-30-checkout
    event: closed
    severity: P1
    title: Nobody can check out
    text: The certificate was renewed.
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
channels:
  description: What became of each channel that wants it, by name.
  type: dict
  returned: success
  sample:
    ops-chat: {sent: true, reason: "", tries: 1}
    on-call: {sent: false, reason: "no connection: Connection refused.", tries: 3}
plan:
  description: Who was to be told.
  type: list
  elements: dict
  returned: success
  sample: [{action: notify, subject: ops-chat, reason: "[P1] Nobody can check out"}]
done:
  description: Who was.
  type: list
  elements: dict
  returned: success
  sample: [{action: notify, subject: ops-chat, reason: "[P1] Nobody can check out"}]
remaining:
  description: Who was not; in check mode everybody.
  type: list
  elements: dict
  returned: success
  sample: []
status:
  description: V(degraded) when somebody was not told.
  type: str
  returned: success
  sample: healthy
findings:
  description: C(incident.channel) for each channel that was not told.
  type: list
  elements: dict
  returned: success
  sample: []
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [incident.channel]
target:
  description: What the findings are about.
  type: str
  returned: success
  sample: channels
"""

import platform
import re
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.notify import send
from ..module_utils._arguments import positive_seconds
from ..module_utils._errors import InputError
from ..module_utils._judge.finding import check_result
from ..module_utils._judge.notify import Delivery, Message, findings, split_channels
from ..module_utils._judge.plan import Step, act_result
from ..module_utils._run import exit_module

LONGEST = 60.0
MOST_RETRIES = 10


def run(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    timeout = positive_seconds("timeout", params["timeout"], LONGEST)
    if not 0 <= params["retries"] <= MOST_RETRIES:
        raise InputError("retries is {0}.".format(params["retries"]), "Give 0 to {0}.".format(MOST_RETRIES))
    message = Message(
        source=params["source"] or platform.node(),
        # What is no address would make a card that Teams does not show at all.
        link=params["link"] if re.fullmatch(r"(?i)https?://\S{1,490}", params["link"]) else "",
        **{name: params[name] for name in ("incident", "event", "severity", "title", "text")},
    )
    channels, wrong = split_channels(params["channels"], message.severity)
    plan = [Step("notify", channel.name, message.heading) for channel in channels]
    deliveries = [Delivery(name, reason, 0) for name, reason in wrong.items()]
    if not check_mode:
        deliveries += send(channels, message, timeout, params["retries"])
    told = {one.channel for one in deliveries if one.sent}
    done = [step for step in plan if step.subject in told]
    remaining = [step for step in plan if step.subject not in told]
    return dict(
        check_result(findings(deliveries), checks=["incident.channel"], target="channels"),
        **act_result(plan, done, remaining, bool(done or (check_mode and plan))),
        channels={one.channel: one.as_dict() for one in deliveries},
    )


def main() -> None:
    channel = {
        "name": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True},
        "min_severity": {"type": "str", "default": "P3"},
        "url": {"type": "str", "no_log": True},
        "token": {"type": "str", "no_log": True},
        "ca_certs": {"type": "path"},
        "host": {"type": "str"},
        "port": {"type": "int"},
        "secure": {"type": "str", "default": "try"},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "sender": {"type": "str"},
        "to": {"type": "list", "elements": "str"},
    }
    module = AnsibleModule(
        argument_spec={
            "channels": {"type": "list", "elements": "dict", "default": [], "options": channel},
            "incident": {"type": "str", "required": True},
            "event": {"type": "str", "choices": ["opened", "updated", "closed"], "default": "updated"},
            "severity": {"type": "str", "choices": ["P0", "P1", "P2", "P3"], "default": "P0"},
            "title": {"type": "str", "required": True},
            "text": {"type": "str", "default": ""},
            "link": {"type": "str", "default": ""},
            "source": {"type": "str"},
            "timeout": {"type": "float", "default": 5.0},
            "retries": {"type": "int", "default": 2},
        },
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
