"""Decides how a call begins, goes on and ends."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from math import ceil

from flowengine.sinch import AmdResult
from flowengine.svaml import AnyAction, ConnectMxp, RecordingOptions, StartRecording
from flowengine.switch.calls.activities import ConferenceActivity, MenuActivity, ParkActivity
from flowengine.switch.calls.call_actions import perform_action
from flowengine.switch.calls.call_callbacks import CallCallbacks
from flowengine.switch.calls.call_ending import (
    CALLEE_HUNG_UP,
    CALLER_HUNG_UP,
    MANAGER_HUNG_UP,
    NEVER_CONNECTED,
    CallEnding,
)
from flowengine.switch.calls.call_management import patch_call, patch_leg
from flowengine.switch.calls.call_origin import EventName
from flowengine.switch.calls.call_protocols import LegChoice
from flowengine.switch.calls.call_start import begin_call, continue_call
from flowengine.switch.calls.instruction_player import play_instructions
from flowengine.switch.calls.leg import Leg
from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.reading import SvamlReading
from flowengine.switch.switch_events import CallEnded, LegLeft
from flowengine.switch.wire import MenuEnd


class CallController:
    """The `CallControl` of one call. `on_end` is called once, before DiCE is sent."""

    def __init__(self, call: SwitchCall, on_end: Callable[[SwitchCall], None]) -> None:
        self._call, self._on_end = call, on_end
        self._callbacks = CallCallbacks(call)
        self.send_notification = self._callbacks.send_notification
        self.refuse_answer = self._callbacks.refuse_answer
        self._is_dice_sent = False

    def begin(self) -> None:
        """Ask the backend what to do with the call, or carry out a callout."""
        if self._call.ended is None:
            begin_call(self._call, self._callbacks)

    def proceed(self) -> None:
        continue_call(self._call)

    def patch(self, body: bytes) -> None:
        patch_call(self._call, body)

    def patch_leg(self, which: LegChoice, body: bytes) -> None:
        patch_leg(self._call, which, body)

    def perform_answer(
        self,
        reading: SvamlReading,
        action: AnyAction,
        event: EventName | None = None,
        leg: Leg | None = None,
    ) -> None:
        call, instructions = self._call, reading.instructions
        if isinstance(action, ConnectMxp):  # the platform records no calls to apps
            instructions = tuple(
                item for item in instructions if not isinstance(item, StartRecording)
            )
        call.halt()
        # sources differ on who hears the prompts of an ACE (platform notes, 5)
        if event == "ace" and call.switch.settings.ace_prompts_to == "callee":
            leg = call.callee
        then = partial(self._perform_action, action, reading.conference_recording, leg)
        play_instructions(call, leg or call.controlled_leg, instructions, then)

    def handle_connected(self, amd: AmdResult | None, *, ask: bool) -> None:
        if ask and self._callbacks.is_wanted("ace"):
            self._callbacks.send_ace(amd)
        else:
            self.proceed()

    def handle_menu_end(self, result: MenuEnd, leg: Leg) -> None:
        self._callbacks.send_pie(result, leg)

    def handle_conference_keys(self, result: MenuEnd, leg: Leg) -> None:
        self._callbacks.send_conference_keys(result, leg)

    def handle_leg_left(self, leg: Leg) -> None:
        call = self._call
        if (
            leg is call.callee
            and call.outgoing is not None
            and call.caller is not None
            and isinstance(call.activity, ConferenceActivity | ParkActivity)
        ):
            # who was called does not wait any longer; the caller stays where it is
            call.outgoing.disconnect()
        # by role, not by leg: the party that a callout has reached may be the caller by now
        elif leg.role == "callee":
            self._end_once(CALLEE_HUNG_UP, leg)
        elif call.answered_at is not None:
            self._end_once(CALLER_HUNG_UP, leg)
        else:
            self._end_once(CallEnding("NOANSWER", call.switch.settings.cancel_reason), leg)

    def end_by_platform(self) -> None:
        self.end(NEVER_CONNECTED if self._call.answered_at is None else MANAGER_HUNG_UP)

    def end(self, ending: CallEnding) -> None:
        self._end_once(ending, None)

    def send_dice(self) -> None:
        call = self._call
        if call.ending is None or self._is_dice_sent:
            return
        self._is_dice_sent = True
        if (
            not call.callbacks_suppressed
            and self._callbacks.is_wanted("dice")
            and _needs_dice(call)
        ):
            self._callbacks.send_dice(call.ending, call.compute_seconds_answered(), call.debit)

    def _perform_action(
        self, action: AnyAction, recording: RecordingOptions | None, leg: Leg | None
    ) -> None:
        call = self._call
        perform_action(call, action, leg)
        if recording is not None and isinstance(call.activity, ConferenceActivity):
            call.activity.room.start_recording(call.create_recorder(), recording)

    def _end_once(self, ending: CallEnding, gone: Leg | None) -> None:
        call = self._call
        if call.ended is not None:
            return
        now = call.switch.clock.now()
        call.ending, result, reason = ending, ending.result, ending.reason
        call.ended = CallEnded(call.id, now, result, reason, 0)  # from now on no second counts
        duration = call.compute_seconds_answered()
        call.ended = ended = CallEnded(call.id, now, result, reason, duration)
        if ending.result == "ANSWERED":
            # nothing is charged for a call that failed (platform notes, 5)
            call.debit = ceil(ended.duration / 60) * call.rate.amount
        # taken before everything stops, which would end the menu without a result
        menu = self._take_interrupted_menu(gone)
        self._stop_all(gone, now)
        call.switch.emit(ended)
        # before DiCE, so that the backend that gets DiCE finds the call ended
        self._on_end(call)
        if menu is None:
            self.send_dice()
        else:
            menu.handle_hangup()  # its PIE comes first

    def _take_interrupted_menu(self, gone: Leg | None) -> MenuActivity | None:
        """The menu that the party was in when it hung up, if its result is sent"""
        menu = self._call.activity
        if (
            not isinstance(menu, MenuActivity)
            or menu.leg is not gone
            or not self._callbacks.is_pie_wanted(menu.leg)
        ):
            return None
        self._call.activity = None
        return menu

    def _stop_all(self, gone: Leg | None, now: datetime) -> None:
        """Stop every activity and let all legs leave"""
        call = self._call
        call.halt()
        for connection in call.connections:
            connection.finish()
        call.stop_recording()
        for leg in (gone, call.caller, call.callee):
            if leg is not None:
                ringing = leg.state == "ringing"
                if leg.mark_gone() and not ringing:
                    call.switch.emit(LegLeft(call.id, now, leg.role))


def _needs_dice(call: SwitchCall) -> bool:
    """Whether DiCE is sent: for calls from app to app by a setting, for callouts to apps never"""
    if call.callee is None or call.callee.kind != "app":
        return True
    return not call.origin.is_callout and (
        call.origin.kind != "app" or call.switch.settings.dice_for_apps
    )
