"""The audio of one leg: what is played to it, and what takes its keys and words."""

from collections.abc import Callable, Sequence
from typing import Protocol

from flowengine.switch.clock import Clock, Timer
from flowengine.switch.media.sounds import build_tones
from flowengine.switch.switch_events import Sound
from flowengine.switch.switch_settings import SwitchSettings


class LineListener(Protocol):
    """Takes keys and words from a line, and tells whether they count."""

    def handle_key(self, key: str) -> bool: ...

    def handle_speech(self, text: str) -> bool: ...


class AudioLine:
    """Plays one thing at a time. What is played next replaces it, and its end is then reported to
    nobody.
    """

    __slots__ = (
        "_at",
        "_endless",
        "_sounds",
        "_then",
        "_timer",
        "clock",
        "listener",
        "on_sound",
        "playing",
        "settings",
    )

    def __init__(
        self, clock: Clock, settings: SwitchSettings, on_sound: Callable[[Sound], None]
    ) -> None:
        self.clock = clock
        self.settings = settings
        self.on_sound = on_sound
        self.listener: LineListener | None = None
        self.playing = False
        self._sounds: Sequence[Sound] = ()
        self._at = 0
        self._then: Callable[[], None] = self.stop
        self._endless = False
        self._timer: Timer | None = None

    @property
    def is_speaking(self) -> bool:
        """Whether it plays something that ends by itself."""
        return self.playing and not self._endless

    def play(self, sounds: Sequence[Sound], then: Callable[[], None]) -> None:
        """Play these once, then call `then`, which is never called before this returns, not even
        after silence.
        """
        self.stop()
        self.playing, self._endless, self._sounds, self._then = True, False, sounds, then
        if sounds:
            self._play_next()
        else:
            # later even for silence, so that callers see one order of events
            self._timer = self.clock.call_later(0.0, self._play_next)

    def loop(self, sounds: Sequence[Sound]) -> None:
        """Play these in a loop until something else is played; music, which does not end, begins
        once.
        """
        self.stop()
        self.playing, self._endless, self._sounds = bool(sounds), True, sounds
        # sounds without a length would loop without time passing
        if any(sound.seconds for sound in sounds):
            self._play_next()
        else:
            for sound in sounds:
                self.on_sound(sound)

    def stop(self) -> None:
        """Stop playing at once."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.playing, self._at = False, 0

    def finish_round(self, then: Callable[[], None]) -> None:
        """Play what is playing to its end, then go on; of a loop, the current round."""
        if self._timer is None:
            self.play((), then)
        else:
            self._then, self._endless = then, False

    def _play_next(self) -> None:
        if self._at < len(self._sounds):
            sound = self._sounds[self._at]
            self._at += 1
            self._timer = self.clock.call_later(sound.seconds, self._play_next)
            self.on_sound(sound)
        elif self._endless:
            self._at = 0
            self._play_next()
        else:
            self.stop()
            self._then()

    def play_tones(self, keys: str) -> None:
        """Play keys of another party; what is playing goes on."""
        self.on_sound(build_tones(keys, self.settings))

    def press(self, keys: str) -> bool:
        """Press keys; whether all of them counted. Without a listener they are lost."""
        counted = True
        for key in keys:
            listener = self.listener
            counted = listener is not None and listener.handle_key(key) and counted
        return counted

    def speak(self, text: str) -> bool:
        """Say words; whether anybody listens to them."""
        return self.listener is not None and self.listener.handle_speech(text)
