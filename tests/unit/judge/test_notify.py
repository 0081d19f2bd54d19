# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.notify import (
    Answer,
    Channel,
    Delivery,
    Message,
    body_of,
    findings,
    judge_answer,
    mail_of,
    parse_channel,
    split_channels,
)

NOTHING = dict.fromkeys(("url", "token", "ca_certs", "host", "port", "username", "password", "sender", "to"))
URL = "https://chat.example.com/hooks/T0/B0/s3cr3t"
DOWN = Message("2026-11-30-down", "opened", "P1", "It is down", "First.\n\nSecond.", "https://wiki/x", "ctl1")


def given(kind: str, **more: Any) -> dict[str, Any]:
    return {**NOTHING, "name": "ops", "kind": kind, "min_severity": "P3", "secure": "try", **more}


def mail(**more: Any) -> dict[str, Any]:
    return given("email", **{"host": "mx", "sender": "Ops <ops@x.org>", "to": ["a@x.org", "b@x.org"], **more})


def channel(kind: str, **more: Any) -> Channel:
    return parse_channel(given(kind, **{"url": URL, **more}))


@pytest.mark.parametrize(
    ("least", "wants"),
    [("P0", ["P0"]), ("P1", ["P0", "P1"]), ("P2", ["P0", "P1", "P2"]), ("P3", ["P0", "P1", "P2", "P3"])],
)
def test_a_channel_wants_its_severity_and_worse(least: str, wants: list[str]) -> None:
    one = channel("slack", min_severity=least)
    assert [severity for severity in ("P0", "P1", "P2", "P3") if one.wants(severity)] == wants


def test_what_is_not_given_has_its_default() -> None:
    assert channel("pagerduty", url=None, token="k").url == "https://events.pagerduty.com/v2/enqueue"
    assert channel("pagerduty", token="k").url == URL
    assert parse_channel(mail()).port == 25
    assert parse_channel(mail(secure="always")).port == 465
    assert parse_channel(mail(secure="always", port=2465)).port == 2465
    one = parse_channel(mail(username="u", password="p", ca_certs="/ca.pem"))
    assert (one.username, one.password, one.ca_certs, one.to) == ("u", "p", "/ca.pem", ("a@x.org", "b@x.org"))


WRONG = [
    (given("fax"), "of no known kind"),
    (given("slack", url=URL, min_severity="high"), "no such min_severity"),
    (given("slack"), "has no url"),
    (given("webhook", url="ftp://x"), "has no url"),
    (given("teams", url="https:// x"), "has no url"),
    (given("pagerduty"), "has no token"),
    (mail(secure="tls"), "no such 'secure'"),
    (mail(sender=None), "no sender or nobody"),
    (mail(to=[]), "no sender or nobody"),
    (mail(to=None), "no sender or nobody"),
    (mail(to=["a@x.org", "nobody"]), "no sender or nobody"),
    (mail(to=["a@x.org\nBcc: b@x.org"]), "no sender or nobody"),
    (mail(host=None), "no mail server"),
]


@pytest.mark.parametrize(("one", "said"), WRONG)
def test_a_channel_that_can_tell_nobody_says_why(one: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        parse_channel(one)
    assert said in error.value.text
    assert "'ops'" in error.value.text


def test_one_wrong_channel_keeps_nothing_from_the_others() -> None:
    good, quiet = given("slack", name="good", url=URL), given("slack", name="quiet", url=URL, min_severity="P0")
    usable, wrong = split_channels([given("fax", name="bad\x1b"), good, quiet], "P1")
    assert [one.name for one in usable] == ["good"]
    assert list(wrong) == ["bad\\x1b"]
    assert "no known kind" in wrong["bad\\x1b"]


def test_slack() -> None:
    text = body_of(channel("slack"), DOWN)
    assert text == {"text": "*[P1] It is down*\nFirst.\nSecond.\n<https://wiki/x>"}
    evil = replace(DOWN, title="<!channel> & @here", text="<http://evil|click>\n@all", link="https://x/<|>")
    lines = body_of(channel("slack"), evil)["text"].splitlines()
    assert lines[0] == "*[P1] &lt;!channel&gt; &amp; @\u2060here*"
    assert lines[1:3] == ["&lt;http://evil|click&gt;", "@\u2060all"]
    assert lines[3] == "<https://x/&lt;%7C&gt;>"
    assert body_of(channel("slack"), replace(DOWN, text="", link="")) == {"text": "*[P1] It is down*"}


def test_teams() -> None:
    whole = body_of(channel("teams"), DOWN)
    assert whole["type"] == "message"
    attachment = whole["attachments"][0]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert [block["inlines"][0]["text"] for block in card["body"]] == ["[P1] It is down", "First.", "Second."]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Look at it", "url": "https://wiki/x"}]
    assert "actions" not in body_of(channel("teams"), replace(DOWN, link=""))["attachments"][0]["content"]


@pytest.mark.parametrize(
    ("severity", "known_as"), [("P0", "critical"), ("P1", "error"), ("P2", "warning"), ("P3", "info")]
)
def test_pagerduty(severity: str, known_as: str) -> None:
    event = body_of(channel("pagerduty", token="key"), replace(DOWN, severity=severity))
    assert event == {
        "routing_key": "key",
        "event_action": "trigger",
        "dedup_key": "2026-11-30-down",
        "payload": {
            "summary": f"[{severity}] It is down First.",
            "source": "ctl1",
            "severity": known_as,
            "custom_details": {"text": "First.\nSecond."},
        },
        "client": "analytics.ops",
        "links": [{"href": "https://wiki/x", "text": "Look at it"}],
    }


def test_pagerduty_resolves_what_it_triggered() -> None:
    one = channel("pagerduty", token="key")
    over = body_of(one, replace(DOWN, event="closed", link="", source="", text=""))
    assert (over["event_action"], over["dedup_key"]) == ("resolve", "2026-11-30-down")
    assert over["payload"]["summary"] == "[P1] closed: It is down"
    assert over["payload"]["source"] == "analytics.ops"
    assert "links" not in over
    assert body_of(one, replace(DOWN, event="updated"))["event_action"] == "trigger"


def test_webhook() -> None:
    assert body_of(channel("webhook"), DOWN) == {
        "incident": "2026-11-30-down",
        "event": "opened",
        "severity": "P1",
        "title": "It is down",
        "text": "First.\nSecond.",
        "link": "https://wiki/x",
        "source": "ctl1",
    }


def test_mail() -> None:
    headers, body = mail_of(parse_channel(mail()), replace(DOWN, event="updated", incident="a b@c"))
    assert headers == {
        "From": "Ops <ops@x.org>",
        "To": "a@x.org, b@x.org",
        "Subject": "[P1] update: It is down",
        "References": "<a_b_c@analytics-ops>",
        "In-Reply-To": "<a_b_c@analytics-ops>",
        "Auto-Submitted": "auto-generated",
    }
    assert body == "First.\nSecond.\nhttps://wiki/x\n"
    assert mail_of(parse_channel(mail()), replace(DOWN, link=""))[1] == "First.\nSecond.\n"


@pytest.mark.parametrize(("kind", "most"), [("slack", 4000), ("teams", 28000), ("pagerduty", 7000), ("webhook", 21000)])
def test_what_is_too_long_is_cut_and_what_is_secret_masked(kind: str, most: int) -> None:
    long = replace(DOWN, title="t" * 9000 + "password=hunter2", text="password=hunter2 \x1b[2J " + "x" * 500000)
    text = str(body_of(channel(kind, token="key"), long))
    assert len(text) < most
    assert "hunter2" not in text
    assert "\x1b" not in text
    assert "…" in text
    inside = "a" * (20000 - 8) + " password=hunter2" + "x" * 90000
    assert "hunter2" not in str(body_of(channel(kind, token="key"), replace(DOWN, text=inside)))


def test_a_text_that_just_fits_is_whole() -> None:
    for length, cut in ((3500, False), (3501, True)):
        text = body_of(channel("slack"), replace(DOWN, text="x" * length, link=""))["text"]
        assert text.endswith("…") is cut
        assert len(text.splitlines()[1]) == 3500


def test_the_words_of_others_hold_no_secret_of_the_channel() -> None:
    one = channel("webhook", token="tok-1", url="https://h/hooks/s3cr3t")
    assert one.hushed("no https://h/hooks/s3cr3t, /hooks/s3cr3t, tok-1 \x1b") == "no ********, ********, ******** \\x1b"
    keyed = channel("teams", url="https://h/workflows/0123abcd/run?sig=4567defg&v=1")
    assert keyed.hushed("run 0123abcd with 4567defg") == "run ******** with ********"
    assert channel("slack", url="https://h/").hushed("either/or") == "either/or"
    assert (
        parse_channel(mail(password="pw-1")).hushed("pw-1 is wrong, password=x")
        == "******** is wrong, password=********"
    )
    assert len(one.hushed("x" * 999)) == 200


@pytest.mark.parametrize(
    ("status", "retry_after", "said", "answer"),
    [
        (200, None, "", Answer()),
        (299, None, "x", Answer()),
        (199, None, "", Answer("HTTP status 199")),
        (302, None, "", Answer("HTTP status 302")),
        (404, None, "no_service", Answer("HTTP status 404: no_service")),
        (429, "3", "", Answer("HTTP status 429", True, 3.0)),
        (429, "999999", "", Answer("HTTP status 429", True, 3600.0)),
        (503, "Wed, 21 Oct 2026 07:28:00 GMT", "", Answer("HTTP status 503", True)),
        (500, None, "", Answer("HTTP status 500", True)),
        (501, None, "", Answer("HTTP status 501")),
    ],
)
def test_what_an_answer_means(status: int, retry_after: str | None, said: str, answer: Answer) -> None:
    assert judge_answer(status, retry_after, said) == answer


def test_findings() -> None:
    sent, lost = findings([Delivery("chat"), Delivery("mail", "no connection.", 3)])
    assert (sent.severity, sent.message, sent.advice) == ("ok", "It was told.", "")
    assert (lost.check, lost.subject, lost.severity) == ("incident.channel", "mail", "warning")
    assert lost.message == "It was not told: no connection."
    assert Delivery("chat").as_dict() == {"sent": True, "reason": "", "tries": 1}
    assert Delivery("mail", "no.", 3).as_dict() == {"sent": False, "reason": "no.", "tries": 3}
