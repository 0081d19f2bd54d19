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
  - Asks all endpoints at once and judges whether they answer, with which HTTP status, how soon, what they say about
    themselves, and how long their certificates are valid.
  - A JSON object is read as most services write it - C(status), C(components) with a status each, however deep, and
    C(circuit_breakers). Words such as C(healthy), C(degraded) and C(down) are known; a word that is not is reported as
    unknown until O(endpoints[].expect_json) says what is good. Of components C(response_time) (seconds) or
    C(response_time_ms), C(pool_utilization) (a fraction) or C(active_connections) with C(pool_size), and C(hit_rate)
    are judged too.
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
          - An C(http) or C(https) address without user and password. Up to five redirects are followed.
          - C(tls://host:port) is a service that speaks TLS but not HTTP; of it only the certificate and the version of
            TLS are judged. Without a port it is 443.
          - What stands after the question mark is not shown in the result. The host's own log of what Ansible starts
            has the whole URL, though; a secret belongs into O(endpoints[].query).
        type: str
        required: true
      query:
        description:
          - What is added to the URL after a question mark (C(token=…)), and kept secret everywhere. Not shorter than
            four characters.
        type: str
      name:
        description: What findings and measurements call it; without it the URL without its query.
        type: str
      kind:
        description:
          - V(statuspage) is a vendor's status page that speaks as Atlassian's Statuspage does, given by its
            C(summary.json), C(status.json) or the address of the page itself. C(minor) trouble is a warning, C(major)
            and C(critical) are critical.
          - V(service) is everything else.
        type: str
        choices: [service, statuspage]
        default: service
      components:
        description:
          - For O(endpoints[].kind=statuspage), the names of the components that count. Each is judged by its own
            status, and the rest of the page does not matter. Needs C(summary.json).
        type: list
        elements: str
        default: []
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
      expect_text:
        description: A text that the body must hold, read as UTF-8.
        type: str
      expect_regex:
        description:
          - A regular expression (Python's) that must match somewhere in the body. Keep it simple, without nested
            repetitions, which may take for ever.
        type: str
      expect_header:
        description:
          - Headers that the answer must have, each with a text that its value must hold, or a list of texts of which
            it must hold one, without regard to case. An empty text asks for the header alone.
          - With O(endpoints[].follow_redirects=false) this tells where a redirect leads, by C(Location).
        type: dict
        default: {}
      headers:
        description:
          - Headers to send, for example C(X-Api-Key). They are sent to the host of the URL and to no other that it
            redirects to; so is the log-in of the options below.
          - All values are kept secret, so none may be shorter than four characters; it would also be hidden in every
            figure of the result.
        type: dict
        default: {}
      bearer_token:
        description: Token for C(Authorization) with C(Bearer). Not shorter than four characters.
        type: str
      login_user:
        description: User for C(Authorization) with C(Basic).
        type: str
      login_password:
        description: Password of O(endpoints[].login_user). Not shorter than four characters.
        type: str
      follow_redirects:
        description: Whether to go where the server sends to. Otherwise the redirect itself is the answer.
        type: bool
        default: true
      validate_certs:
        description:
          - Whether the server's certificate must be valid for the host of the URL. If not, its expiry is judged all the
            same.
        type: bool
        default: true
      ca_certs:
        description: File or folder with the certificate authorities; without it those of the system.
        type: path
        aliases: [ca_cert]
      client_cert_file:
        description: File (PEM) with the certificate to be known by, and the certificates between it and its authority.
        type: path
      client_key_file:
        description: File with the key of O(endpoints[].client_cert_file), if it is not in there; without a password.
        type: path
      server_name:
        description:
          - The name that the server is called by (SNI and C(Host)) and that its certificate must be made out to, where
            the URL has an address, or a name that leads elsewhere.
        type: str
      unix_socket:
        description: Socket to connect to instead of the host of the URL, as of an application server behind a proxy.
        type: path
      proxy:
        description: Proxy to ask through, as C(http://host:port).
        type: str
      proxy_user:
        description: User for O(endpoints[].proxy).
        type: str
      proxy_password:
        description: Password of O(endpoints[].proxy_user). Not shorter than four characters.
        type: str
      samples:
        description: How often to ask this endpoint; without it O(samples).
        type: int
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
  samples:
    description:
      - How often to ask each endpoint that answers, one time after the other over connections of their own. With more
        than one the response time is judged at the 95th percentile, which up to 19 samples is the slowest.
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
        ca_certs: /etc/ssl/certs/example-ca.pem
        bearer_token: "{{ health_token }}"
        samples: 5
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

- name: Are the certificates renewed, the redirect in place, and our payment provider well?
  analytics.ops.http_health:
    endpoints:
      - url: tls://db.example.com:5433
        ca_certs: /etc/ssl/certs/example-ca.pem
      - name: shop
        url: http://shop.example.com/
        follow_redirects: false
        expect_status: [301, 308]
        expect_header:
          Location: https://shop.example.com/
      - name: payments
        url: https://status.payments.example.com
        kind: statuspage
        components: [API]
    thresholds:
      certificate_expiry: {warning: 30, critical: 7}

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
    - C(response_seconds) is what is judged. With several samples there are also C(response_p50_seconds),
      C(response_p95_seconds) and C(response_max_seconds), with TLS C(certificate_days), and for what a JSON body tells
      of its components C(component.NAME.response_seconds), C(.pool_used_percent) and C(.hit_percent).
  type: dict
  returned: success
  sample:
    http.api.reachable: 1
    http.api.status: 200
    http.api.response_seconds: 1.42
    http.api.certificate_days: 61.35
    http.api.component.postgresql.pool_used_percent: 46.0
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
  sample: [http.reachable, http.status, http.response_time, http.body, http.certificate_expiry, http.tls]
msg:
  description: Why endpoints could not be reached.
  type: str
  returned: when an endpoint could not be reached
  sample: "http://127.0.0.1:8000/health cannot be asked: Connection refused."
"""

import time
from collections import Counter

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._arguments import checking_spec, selected
from ..module_utils._errors import InputError
from ..module_utils._judge.finding import check_result
from ..module_utils._judge.http import CHECKS, measurements
from ..module_utils._judge.text import printable
from ..module_utils._observe.http import ask
from ..module_utils._observe.http_endpoint import endpoint, without_secrets
from ..module_utils._run import exit_module

ARGUMENTS = dict(
    checking_spec(),
    endpoints={
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "url": {"type": "str", "required": True},
            "query": {"type": "str", "no_log": True},
            "name": {"type": "str"},
            "kind": {"type": "str", "choices": ["service", "statuspage"], "default": "service"},
            "components": {"type": "list", "elements": "str", "default": []},
            "method": {"type": "str", "choices": ["GET", "HEAD"], "default": "GET"},
            "expect_status": {"type": "list", "elements": "int", "default": [200]},
            "expect_json": {"type": "dict", "default": {}},
            "expect_text": {"type": "str"},
            "expect_regex": {"type": "str"},
            "expect_header": {"type": "dict", "default": {}},
            "headers": {"type": "dict", "default": {}, "no_log": True},
            "bearer_token": {"type": "str", "no_log": True},
            "login_user": {"type": "str"},
            "login_password": {"type": "str", "no_log": True},
            "follow_redirects": {"type": "bool", "default": True},
            "validate_certs": {"type": "bool", "default": True},
            "ca_certs": {"type": "path", "aliases": ["ca_cert"]},
            "client_cert_file": {"type": "path"},
            "client_key_file": {"type": "path"},
            "server_name": {"type": "str"},
            "unix_socket": {"type": "path"},
            "proxy": {"type": "str"},
            "proxy_user": {"type": "str"},
            "proxy_password": {"type": "str", "no_log": True},
            "samples": {"type": "int"},
            "timeout": {"type": "float"},
        },
    },
    timeout={"type": "float", "default": 5.0},
    tries={"type": "int", "default": 1},
    samples={"type": "int", "default": 1},
)


def run(params, check_mode):
    selection = CHECKS.select(*selected(params))
    if not 1 <= params["tries"] <= 10:
        raise InputError("tries: is {0}.".format(params["tries"]), "Give a number from 1 to 10.")
    endpoints = [endpoint(given, params["timeout"], params["samples"]) for given in params["endpoints"]]
    twice = [name for name, times in Counter(one.name for one in endpoints).items() if times > 1]
    if twice:
        raise InputError("endpoints: two are called '{0}'.".format(twice[0]), "Give each a 'name' of its own.")
    answers = ask(endpoints, params["tries"])
    now = time.time()
    target = printable(", ".join(one.name for one in endpoints))
    problems = " ".join(answer.problem for answer in answers if answer.problem)
    return check_result(
        selection.findings({"answers": answers, "now": now}, target),
        params["include_ok"],
        measurements=measurements(answers, now),
        target=target,
        checks=selection.names,
        **({"msg": printable(problems, 1000)} if problems else {}),
    )


def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = dict(module.params, endpoints=[dict(given) for given in module.params["endpoints"]])
    for shown in module.params["endpoints"]:  # what -vvv shows as the invocation
        shown["url"] = without_secrets(shown["url"])
        if shown["proxy"]:
            shown["proxy"] = without_secrets(shown["proxy"])
    exit_module(module, lambda: run(params, module.check_mode))


if __name__ == "__main__":
    main()
