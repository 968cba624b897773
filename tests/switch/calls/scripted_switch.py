"""A switch with one application, whose backend is a table: what it answers to each event, and what
it was told.
"""

import json
from collections.abc import Mapping

from flowengine.switch.clock import VirtualClock
from flowengine.switch.exchange import Exchange
from flowengine.switch.switch_events import (
    AnswerReceived,
    CallbackSent,
    CallEnded,
    LegJoined,
    LegLeft,
    LegPickedUp,
    LegRinging,
    MenuListening,
    SoundStarted,
)
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Act, Behaviour, Number, SwitchApplication, SwitchSetup
from flowengine.switch.wire import DirectTransport, Response

CALLER, LINE, AGENT = "+12015555555", "+12017777777", "+12018888888"
CONNECT = {"action": {"name": "connectPstn", "number": AGENT}}
CONTINUE = {"action": {"name": "continue"}}
HANGUP = {"action": {"name": "hangup"}}
MENU = {
    "action": {
        "name": "runMenu",
        "locale": "en-US",
        "mainMenu": "main",
        "menus": [
            {
                "id": "main",
                "mainPrompt": "#tts[Press 1.]",
                "repeats": 0,
                "options": [{"dtmf": "1", "action": "return(one)"}],
            }
        ],
    }
}
USER = {"action": {"name": "connectMxp", "destination": {"type": "username", "endpoint": "anna"}}}
SIP = {
    "action": {"name": "connectSip", "destination": {"type": "sip", "endpoint": "desk@example.com"}}
}
ROOM = {"action": {"name": "connectConf", "conferenceId": "room"}}
STREAM = {
    "action": {
        "name": "connectStream",
        "destination": {"type": "Websocket", "endpoint": "wss://example.com/audio"},
    }
}
PARK = {
    "action": {
        "name": "park",
        "locale": "en-US",
        "introPrompt": "#tts[Wait.]",
        "holdPrompt": "#tts[Still waiting.]",
        "maxDuration": 60,
    }
}


def say(text, then):
    return {"instructions": [{"name": "say", "text": text, "locale": "en-US"}], **then}


def hangs_up(after):
    return Behaviour(acts=(Act("hang up", after=after),))


def presses(*keys, then_hangs_up=None):
    """Each time a menu asks, the next of these."""
    last = () if then_hangs_up is None else (Act("hang up", after=then_hangs_up),)
    return Behaviour(acts=(*(Act("press", key, 1.0, "asked") for key in keys), *last))


class Switch:
    """`answers` maps events to SVAML, a list of one for each time, raw bytes, a status, or None for
    silence.
    """

    def __init__(
        self,
        answers: Mapping,
        *,
        parties=None,
        settings=None,
        primary="http://backend/",
        credit=None,
        users=("anna", "bert"),
    ):
        self.answers = {
            event: list(given) if isinstance(given, list) else given
            for event, given in answers.items()
        }
        self.clock = VirtualClock()
        self.asked = []
        self.headers = []
        self.urls = []
        self.happened = []
        world = SwitchSetup(
            applications=(SwitchApplication("app", "c2VjcmV0", primary, "", credit),),
            numbers=(Number(LINE, "app"), Number("+12010000000")),
            users=dict.fromkeys(users, "app"),
            parties=parties or {},
        )
        self.exchange = Exchange(
            world, self.clock, settings or SwitchSettings(), DirectTransport(self.answer)
        )
        self.exchange.subscribe(self.happened.append)

    def answer(self, url, headers, body):
        event = json.loads(body)
        self.asked.append(event)
        self.headers.append(headers)
        self.urls.append(url)
        given = self.answers.get(event["event"], {})
        if isinstance(given, list):
            given = given.pop(0)
        if given is None:
            return None
        if isinstance(given, int):
            return Response(given, {}, b"")
        return Response(200, {}, given if isinstance(given, bytes) else json.dumps(given).encode())

    def dial(self, caller=CALLER, to=LINE, **how):
        return self.exchange.dial(caller=caller, to=to, **how)

    def call(self, caller=CALLER, to=LINE, **how):
        """Dial, and let time pass until nothing is due any more."""
        call = self.dial(caller, to, **how)
        self.clock.run()
        return call

    def callout(self, method, request, headers=None):
        body = {"method": method, method: request}
        return self.exchange.calls[self.exchange.callout("app", body, headers or {})]

    def events(self):
        """What the backend was asked and told, in order; notifications by their type."""
        return [event.get("type") or event["event"] for event in self.asked]

    def event(self, name):
        """The last callback of this kind."""
        return [event for event in self.asked if name in (event["event"], event.get("type"))][-1]

    def heard(self, role="caller"):
        return [
            item.sound.text or item.sound.kind
            for item in self.happened
            if isinstance(item, SoundStarted) and item.role == role
        ]

    def of(self, kind):
        return [item for item in self.happened if isinstance(item, kind)]

    def ending(self):
        ended = self.of(CallEnded)[-1]
        return ended.result, ended.reason


__all__ = [
    "AnswerReceived",
    "CallbackSent",
    "LegJoined",
    "LegLeft",
    "LegPickedUp",
    "LegRinging",
    "MenuListening",
    "SoundStarted",
]
