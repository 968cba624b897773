"""Words for messages."""

from flowengine.problems import find_nearest


def test_name_nearest_to_swapped_letters_has_the_same_letters() -> None:
    assert find_nearest("opne", ["zone", "open", "except"]) == "open"
