#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: http_health
short_description: Check what the HTTP endpoints of a stack say about its health
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Asks all endpoints at once and judges whether they answer, with which HTTP status, how soon, and what they say about
    themselves.
  - A JSON object is read as most services write it - C(status), C(components) with a status each, however deep, and
    C(circuit_breakers). Words such as C(healthy), C(degraded) and C(down) are known; a word that is not is reported as
    unknown until O(endpoints[].expect_json) says what is good.
  - Whatever a server does (accepts and never answers, drips a byte a second, sends without end, redirects in circles),
    each try ends within its time-out, and at most 1 MiB is read.
  - Proxies and log-ins of the environment (C(HTTP_PROXY), C(~/.netrc)) are not used.
extends_documentation_fragment:
  - analytics.ops.checking
  - analytics.ops.attributes
  - analytics.ops.attributes.info_module
options:
  endpoints:
    description: What to ask.
    type: list
    elements: dict
    required: true
    suboptions:
      url:
        description:
          - An C(http) or C(https) address without user and password; those go into O(endpoints[].headers).
          - Up to five redirects are followed.
        type: str
        required: true
      name:
        description: What findings and measurements call it; without it the URL without its query.
        type: str
      method:
        description: How to ask. Only methods that change nothing. V(HEAD) returns no body to judge.
        type: str
        choices: [GET, HEAD]
        default: GET
      expect_status:
        description: The HTTP statuses that are in order.
        type: list
        elements: int
        default: [200]
      expect_json:
        description:
          - Values that the JSON body must have, by the dotted path of their key; one value or a list of allowed ones.
            Texts are compared without regard to case.
          - Where it names a status, it replaces the judgement by known words.
        type: dict
        default: {}
      headers:
        description:
          - Headers to send, for example C(Authorization). They are sent to the host of the URL and to no other that it
            redirects to.
          - All values are kept secret, so none may be shorter than four characters; it would also be hidden in every
            figure of the result.
        type: dict
        default: {}
      validate_certs:
        description: Whether the server's certificate must be valid for the host of the URL.
        type: bool
        default: true
      ca_cert:
        description: File with the certificate authorities; without it those of the system.
        type: path
      timeout:
        description: Seconds for each try, from the first packet to the last; without it O(timeout).
        type: float
  timeout:
    description: Seconds for each try at an endpoint that has no O(endpoints[].timeout) of its own.
    type: float
    default: 5.0
  tries:
    description: How often to try an endpoint that cannot be reached. An answer is never asked for again.
    type: int
    default: 1
requirements:
  - requests (the Python library, on the host the module runs on)
seealso:
  - plugin: analytics.ops.services_on_host
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask the API for its health
  analytics.ops.http_health:
    endpoints:
      - name: api
        url: http://127.0.0.1:8000/health

- name: Ask every part of the stack at once, with limits of our own
  analytics.ops.http_health:
    endpoints:
      - name: api
        url: https://analytics.example.com/health
        ca_cert: /etc/ssl/certs/example-ca.pem
        headers:
          Authorization: "Bearer {{ health_token }}"
      - name: dashboard
        url: http://127.0.0.1:8501/healthz
        expect_status: [200, 204]
      - name: gateway
        url: http://127.0.0.1:8080/status
        expect_json:
          state: [running, idle]
          database.connected: true
    thresholds:
      response_time: {warning: 0.5, critical: 3}
    timeout: 4
    tries: 2

- name: Just look whether the web server answers
  analytics.ops.http_health:
    endpoints:
      - url: http://127.0.0.1/
        method: HEAD
        expect_status: [200, 301, 302]
    checks: [reachable, status]
"""

RETURN = r"""
status:
  description: The verdict on all endpoints - V(healthy), V(degraded) or V(unhealthy).
  type: str
  returned: success
  sample: degraded
findings:
  description: What is not in order, the worst first; with O(include_ok) also what is.
  type: list
  elements: dict
  returned: success
  sample:
    - check: http.response_time
      subject: api
      severity: warning
      value: 1.42
      unit: seconds
      warning: 1.0
      critical: 2.0
      message: "http://127.0.0.1:8000/health answered after 1.42 s."
      advice: Ask again to see whether it lasts; then look at the load of the service and of what it depends on.
measurements:
  description:
    - Figures for the history, by endpoint. C(reachable) is 1 or 0; the others are there for endpoints that answered.
  type: dict
  returned: success
  sample:
    http.api.reachable: 1
    http.api.status: 200
    http.api.response_seconds: 1.42
target:
  description: What was asked.
  type: str
  returned: success
  sample: "api, dashboard"
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [http.reachable, http.status, http.response_time, http.body]
msg:
  description: Why endpoints could not be reached.
  type: str
  returned: when an endpoint could not be reached
  sample: "http://127.0.0.1:8000/health cannot be asked: Connection refused."
"""

from collections import Counter
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._arguments import checking_spec
from ..module_utils._errors import InputError
from ..module_utils._judge.finding import check_result
from ..module_utils._judge.http import CHECKS, measurements
from ..module_utils._judge.text import printable
from ..module_utils._observe.http import Endpoint, ask
from ..module_utils._run import exit_module

ARGUMENTS = dict(
    checking_spec(),
    endpoints={
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "url": {"type": "str", "required": True},
            "name": {"type": "str"},
            "method": {"type": "str", "choices": ["GET", "HEAD"], "default": "GET"},
            "expect_status": {"type": "list", "elements": "int", "default": [200]},
            "expect_json": {"type": "dict", "default": {}},
            "headers": {"type": "dict", "default": {}, "no_log": True},
            "validate_certs": {"type": "bool", "default": True},
            "ca_cert": {"type": "path"},
            "timeout": {"type": "float"},
        },
    },
    timeout={"type": "float", "default": 5.0},
    tries={"type": "int", "default": 1},
)


def run(params, check_mode):
    selection = CHECKS.select(params["checks"], params["exclude_checks"], params["thresholds"])
    if not 1 <= params["tries"] <= 10:
        raise InputError("tries: is {0}.".format(params["tries"]), "Give a number from 1 to 10.")
    endpoints = [endpoint(given, params["timeout"]) for given in params["endpoints"]]
    twice = [name for name, times in Counter(one.name for one in endpoints).items() if times > 1]
    if twice:
        raise InputError("endpoints: two are called '{0}'.".format(twice[0]), "Give each a 'name' of its own.")
    answers = ask(endpoints, params["tries"])
    target = printable(", ".join(one.name for one in endpoints))
    problems = " ".join(answer.problem for answer in answers if answer.problem)
    return check_result(
        selection.findings({"answers": answers}, target),
        params["include_ok"],
        measurements=measurements(answers),
        target=target,
        checks=selection.names,
        **({"msg": printable(problems, 1000)} if problems else {}),
    )


def endpoint(given, timeout):
    """One checked ``Endpoint``. What is wrong is not repeated where it may be a secret."""
    try:
        url = urlsplit(given["url"])
        usable = url.scheme in ("http", "https") and url.hostname and url.port != 0 and given["url"].isprintable()
    except ValueError:
        usable = False
    if not usable:
        raise InputError("endpoints: there is a 'url' that is none.", "Give http:// or https:// with a host.")
    if "@" in url.netloc:
        raise InputError(
            "endpoints: the 'url' for {0} has a user or a password in it.".format(url.hostname),
            "Give an Authorization header in 'headers', which is kept secret.",
        )
    values = {name: given[name] for name in ("url", "method", "expect_json", "validate_certs", "ca_cert")}
    values.update(expect_status=tuple(given["expect_status"]), headers=headers(given["headers"]))
    values["timeout"] = timeout if given["timeout"] is None else given["timeout"]
    if not 0 < values["timeout"] <= 600:
        raise InputError("timeout: is {0:g}.".format(values["timeout"]), "Give seconds, more than 0 and at most 600.")
    unnamed = Endpoint(name="", **values)
    return Endpoint(name=printable(given["name"] or unnamed.address, 120), **values)


def headers(given):
    for name, value in given.items():
        if len(str(value)) < 4:
            raise InputError(
                "headers: the value of '{0}' is shorter than four characters.".format(name),
                "Values of headers are kept secret, and one so short would be hidden in every figure of the result.",
            )
        if not (str(name) + str(value)).isprintable():
            raise InputError("headers: '{0}' holds a line break or the like.".format(printable(name)), "Remove it.")
    return {str(name): str(value) for name, value in given.items()}


def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
