"""Reads answers of a backend as the platform does: leniently, within its limits, with findings for
their author.
"""

from flowengine.switch.reading.answer_reader import check_call_cookies, read_answer
from flowengine.switch.reading.svaml_reading import AnswerContext, SvamlReading

__all__ = ["AnswerContext", "SvamlReading", "check_call_cookies", "read_answer"]
