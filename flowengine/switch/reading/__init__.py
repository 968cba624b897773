"""Answers of a backend, read as the platform reads them: leniently, within its limits, and with a
word to whoever wrote them.
"""

from flowengine.switch.reading.answer_reader import check_call_cookies, read_answer
from flowengine.switch.reading.svaml_reading import AnswerContext, SvamlReading

__all__ = ["AnswerContext", "SvamlReading", "check_call_cookies", "read_answer"]
